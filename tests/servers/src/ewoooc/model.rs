//! The tools' answers once more, by going through all rows of the sample: whoever changes a statement finds out here what
//! else has changed. And what the tools promise about themselves.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use serde_json::{Value, json};

use super::customers::{self, Customer, Customers};
use super::orders::{self, Line, Order, Orders};
use super::products::{self, Product, Products};
use super::refusal::Refusal;
use super::sales::{self, Sales, Step, Sum};
use super::sample::{Scale, Shop, shop};
use super::{Ewoooc, speak, tools};

const SMALL: Scale = Scale { customers: 300, products: 60, orders: 1_500 };

/// A shop, and its tools.
struct Stage {
    shop: Shop,
    tools: Ewoooc,
    file: PathBuf,
}

impl Stage {
    fn new(name: &str) -> Self {
        let file = std::env::temp_dir().join(format!("ewoooc-{name}-{}.sqlite", std::process::id()));
        std::fs::remove_file(&file).ok();
        Self { shop: shop(SMALL), tools: Ewoooc::over(&file, SMALL).expect("a sample"), file }
    }

    /// A tool's answer, which fits what the tool promises; and the question what it takes.
    fn ask(&self, tool: &str, arguments: Value) -> Value {
        let listed = tools().into_iter().find(|listed| listed.name == tool).expect("a tool");
        let fits = |schema: &rmcp::model::JsonObject, value: &Value| {
            let schema = Value::Object(schema.clone());
            let errors: Vec<String> =
                jsonschema::validator_for(&schema).unwrap().iter_errors(value).map(|error| error.to_string()).collect();
            assert!(errors.is_empty(), "{tool}: {errors:?}");
        };
        fits(&listed.input_schema, &arguments);
        let answer = self.tools.call(tool, speak::object(arguments)).expect("an answer");
        fits(&listed.output_schema.expect("a schema"), &answer);
        answer
    }

    /// What a tool wants instead.
    fn refused(&self, tool: &str, arguments: Value) -> String {
        match self.tools.call(tool, speak::object(arguments)) {
            Err(Refusal::Arguments(wanted)) => wanted,
            other => panic!("{other:?}"),
        }
    }

    fn order(&self, place: usize) -> Order {
        let order = &self.shop.orders[place];
        let line = |line: &super::sample::Line| {
            let product = &self.shop.products[line.product];
            Line {
                product_id: product.id.clone(),
                title: product.title.clone(),
                quantity: line.quantity,
                unit_price_twd: line.unit_price_twd,
            }
        };
        Order {
            id: order.id.clone(),
            customer_id: self.shop.customers[order.customer].id.clone(),
            ordered_at: order.ordered_at.clone(),
            status: order.status.to_owned(),
            payment: order.payment.to_owned(),
            shipping_twd: order.shipping_twd,
            total_twd: order.total_twd,
            lines: order.lines.iter().map(line).collect(),
        }
    }

    /// All orders that are wanted, on one page.
    fn orders(&self, wanted: &orders::Wanted) -> Vec<Order> {
        let day = |order: &Order| order.ordered_at[..10].to_owned();
        let mut orders: Vec<Order> = (0..self.shop.orders.len())
            .map(|place| self.order(place))
            .filter(|order| wanted.status.as_ref().is_none_or(|status| order.status == *status))
            .filter(|order| wanted.customer_id.as_ref().is_none_or(|customer| order.customer_id == *customer))
            .filter(|order| wanted.from.as_ref().is_none_or(|from| day(order) >= *from))
            .filter(|order| wanted.to.as_ref().is_none_or(|to| day(order) <= *to))
            .filter(|order| wanted.min_total_twd.is_none_or(|least| order.total_twd >= least))
            .collect();
        orders.sort_by(|one, other| (&other.ordered_at, &other.id).cmp(&(&one.ordered_at, &one.id)));
        orders
    }

    fn sales(&self, from: &str, to: &str, by: &str) -> Sales {
        let mut steps: BTreeMap<String, (BTreeSet<&str>, Sum)> = BTreeMap::new();
        let mut total = (BTreeSet::new(), Sum::default());
        for order in &self.shop.orders {
            let day = &order.ordered_at[..10];
            if day < from || day > to || !sales::SOLD.contains(&order.status) {
                continue;
            }
            for line in &order.lines {
                let key = match by {
                    "day" => day.to_owned(),
                    "month" => day[..7].to_owned(),
                    _ => self.shop.products[line.product].category.to_owned(),
                };
                for (orders, sum) in [steps.entry(key).or_default(), &mut total] {
                    orders.insert(order.id.as_str());
                    sum.orders = orders.len() as u64;
                    sum.units += line.quantity;
                    sum.revenue_twd += line.quantity * line.unit_price_twd;
                }
            }
        }
        let steps = steps.into_iter().map(|(key, (_, sum))| Step { key, sum }).collect();
        Sales { from: from.into(), to: to.into(), by: by.into(), steps, total: total.1 }
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        std::fs::remove_file(&self.file).ok();
    }
}

#[test]
fn orders_are_those_that_every_filter_lets_through() {
    let stage = Stage::new("orders");
    let busy = stage.order(7).customer_id;
    let questions = [
        json!({}),
        json!({"status": "returned"}),
        json!({"customer_id": busy}),
        json!({"from": "2025-03-01", "to": "2025-03-31"}),
        json!({"to": "2024-11-30"}),
        json!({"min_total_twd": 5_000, "status": "delivered", "from": "2026-01-01"}),
        json!({"customer_id": "C999999"}),
    ];
    for mut question in questions {
        question["limit"] = json!(7);
        let expected = stage.orders(&serde_json::from_value(question.clone()).unwrap());
        let answer = stage.ask("list_orders", question.clone());
        assert_eq!(answer["matching"], expected.len(), "{question}");
        let page = Orders {
            matching: expected.len() as u64,
            next_cursor: answer["next_cursor"].as_str().map(str::to_owned),
            orders: expected.iter().take(7).cloned().collect(),
        };
        assert_eq!(answer, serde_json::to_value(page).unwrap(), "{question}");
        assert_eq!(answer.get("next_cursor").is_some(), expected.len() > 7, "{question}");
    }
}

#[test]
fn pages_of_orders_put_together_are_all_orders_once() {
    let stage = Stage::new("pages");
    let expected = stage.orders(&orders::Wanted { status: Some("delivered".into()), ..Default::default() });
    let (mut seen, mut question) = (Vec::new(), json!({"status": "delivered", "limit": 100}));
    loop {
        let answer = stage.ask("list_orders", question.clone());
        seen.extend(answer["orders"].as_array().unwrap().clone());
        let Some(next) = answer.get("next_cursor") else { break };
        question["cursor"] = next.clone();
    }
    assert_eq!(Value::Array(seen), serde_json::to_value(expected).unwrap());
}

#[test]
fn products_are_those_that_every_filter_lets_through_page_by_page() {
    let stage = Stage::new("products");
    let questions = [
        json!({}),
        json!({"category": "食品飲料"}),
        json!({"text": "款", "in_stock": true}),
        json!({"max_price_twd": 500}),
        json!({"text": "%"}),
        json!({"category": "寵物用品", "max_price_twd": 1_000, "in_stock": true}),
    ];
    for question in questions {
        let wanted: products::Wanted = serde_json::from_value(question.clone()).unwrap();
        let expected: Vec<Product> = stage
            .shop
            .products
            .iter()
            .filter(|product| wanted.category.as_ref().is_none_or(|category| product.category == category))
            .filter(|product| wanted.text.as_ref().is_none_or(|text| product.title.contains(text)))
            .filter(|product| wanted.max_price_twd.is_none_or(|most| product.price_twd <= most))
            .filter(|product| !wanted.in_stock || product.stock > 0)
            .map(|product| Product {
                id: product.id.clone(),
                title: product.title.clone(),
                category: product.category.to_owned(),
                price_twd: product.price_twd,
                stock: product.stock,
            })
            .collect();
        let (mut seen, mut question) = (Vec::new(), question);
        question["limit"] = json!(9);
        loop {
            let answer = stage.ask("list_products", question.clone());
            let page: Vec<Value> = answer["products"].as_array().unwrap().clone();
            assert!(page.len() <= 9 && answer["matching"] == expected.len(), "{question}");
            seen.extend(page);
            let Some(next) = answer.get("next_cursor") else { break };
            question["cursor"] = next.clone();
        }
        let whole = Products { matching: expected.len() as u64, products: expected, next_cursor: None };
        assert_eq!(Value::Array(seen), serde_json::to_value(whole).unwrap()["products"], "{question}");
    }
}

#[test]
fn sales_are_what_was_paid_and_kept_in_each_step() {
    let stage = Stage::new("sales");
    for (from, to, by) in [
        ("2025-11-01", "2025-11-30", "day"),
        ("2024-11-01", "2026-10-31", "month"),
        ("2024-11-01", "2026-10-31", "category"),
        ("2026-10-31", "2026-10-31", "category"),
        ("2020-01-01", "2020-01-31", "day"),
    ] {
        let answer = stage.ask("sales_summary", json!({"from": from, "to": to, "by": by}));
        assert_eq!(answer, serde_json::to_value(stage.sales(from, to, by)).unwrap(), "{from} {to} {by}");
    }
}

#[test]
fn customers_are_found_by_phone_mail_and_the_beginning_of_their_name() {
    let stage = Stage::new("customers");
    let known = &stage.shop.customers[41];
    let questions = [
        json!({"phone": known.phone.replace('-', "")}),
        json!({"email": known.email.to_uppercase()}),
        json!({"name": known.name, "limit": 20}),
        json!({"name": known.name.chars().take(2).collect::<String>(), "limit": 20}),
        json!({"name": "無此"}),
    ];
    for question in questions {
        let wanted: customers::Wanted = serde_json::from_value(question.clone()).unwrap();
        let found = |customer: &super::sample::Customer| {
            let digits = customer.phone.replace('-', "");
            wanted.phone.as_ref().is_some_and(|phone| *phone == digits)
                || wanted.email.as_ref().is_some_and(|email| email.to_lowercase() == customer.email)
                || wanted.name.as_ref().is_some_and(|name| customer.name.starts_with(name))
        };
        let customers: Vec<Customer> = (0..stage.shop.customers.len())
            .filter(|place| found(&stage.shop.customers[*place]))
            .take(20)
            .map(|place| {
                let customer = stage.shop.customers[place].clone();
                let orders: Vec<_> = stage.shop.orders.iter().filter(|order| order.customer == place).collect();
                Customer {
                    id: customer.id,
                    name: customer.name,
                    phone: customer.phone,
                    email: customer.email,
                    address: customer.address,
                    registered_on: customer.registered_on,
                    orders: orders.len() as u64,
                    last_ordered_at: orders.last().map(|order| order.ordered_at.clone()),
                }
            })
            .collect();
        let answer = stage.ask("find_customer", question.clone());
        assert_eq!(answer, serde_json::to_value(Customers { customers }).unwrap(), "{question}");
    }
}

#[test]
fn what_a_tool_does_not_take_is_said_and_nothing_is_looked_up() {
    let stage = Stage::new("refused");
    for (tool, arguments, wanted) in [
        ("list_orders", json!({"status": "lost"}), "status must be one of pending"),
        ("list_orders", json!({"from": "2026-02-30"}), "from must be a date"),
        ("list_orders", json!({"limit": 101}), "limit must be from 1 to 100"),
        ("list_orders", json!({"limit": 0}), "limit must be from 1 to 100"),
        ("list_orders", json!({"cursor": "nonsense"}), "cursor must be"),
        ("list_orders", json!({"order": "1"}), "unknown field `order`"),
        ("list_orders", json!({"min_total_twd": -1}), "invalid value"),
        ("list_products", json!({"category": "食物"}), "category must be one of"),
        ("list_products", json!({"text": ""}), "text must have 1 to 50 characters"),
        ("sales_summary", json!({"from": "2026-01-01", "to": "2026-01-31"}), "missing field `by`"),
        ("sales_summary", json!({"from": "2026-01-01", "to": "2026-04-30", "by": "day"}), "more than 92 days"),
        ("sales_summary", json!({"from": "2026-01-02", "to": "2026-01-01", "by": "day"}), "to must not be before from"),
        ("sales_summary", json!({"from": "2026-01-01", "to": "2026-01-31", "by": "year"}), "by must be"),
        ("find_customer", json!({}), "one of phone, email and name"),
        ("find_customer", json!({"phone": "0912345678", "name": "陳"}), "one of phone, email and name"),
        ("find_customer", json!({"phone": "' or 1=1 --"}), "phone must be a mobile number"),
        ("find_customer", json!({"name": "陳"}), "name must have 2 to 20 characters"),
    ] {
        let said = stage.refused(tool, arguments.clone());
        assert!(said.contains(wanted), "{tool} {arguments}: {said}");
    }
    let nobody = stage.ask("find_customer", json!({"email": "x' or '1'='1"}));
    assert_eq!(nobody["customers"], json!([]));
}

#[test]
fn the_sample_cannot_be_written_and_one_of_another_version_is_not_read() {
    let stage = Stage::new("readonly");
    let written = stage.tools.database.read(|connection| connection.execute("delete from orders", []).map(drop));
    assert!(written.is_err());
    rusqlite::Connection::open(&stage.file).unwrap().pragma_update(None, "user_version", 999).unwrap();
    assert!(Ewoooc::over(&stage.file, SMALL).is_err());
}

#[test]
fn every_tool_says_that_it_only_reads_and_takes_nothing_it_does_not_know() {
    for tool in tools() {
        assert_eq!(tool.annotations.as_ref().and_then(|notes| notes.read_only_hint), Some(true), "{}", tool.name);
        assert_eq!(tool.input_schema["additionalProperties"], false, "{}", tool.name);
        assert!(tool.title.is_some() && tool.output_schema.is_some(), "{}", tool.name);
    }
}
