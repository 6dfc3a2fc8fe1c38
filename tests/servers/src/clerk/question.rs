//! What somebody asks, by its words: the tool that answers it, and how the answer is said. In the language of the shop's people.

use serde_json::{Value, json};

use crate::ewoooc::month_end;

/// A question that a tool answers.
pub struct Question {
    /// The tool, by the name that the gateway gives it.
    pub tool: &'static str,
    pub arguments: Value,
    say: fn(&Value) -> String,
}

impl Question {
    /// What the words of a message ask. What it does not know is a question about what there is to buy.
    pub fn read(text: &str) -> Self {
        if let (true, Some((year, month))) = (text.contains("業績"), month_of(text)) {
            let (from, to) = (format!("{year:04}-{month:02}-01"), month_end(year, month));
            let arguments = json!({"from": from, "to": to, "by": "month"});
            return Self { tool: "sales_summary__shop", arguments, say: sales };
        }
        if text.contains("訂單") {
            return Self { tool: "list_orders__shop", arguments: json!({"limit": 1}), say: order };
        }
        Self { tool: "list_products__shop", arguments: json!({"in_stock": true, "limit": 3}), say: products }
    }

    /// What is said to the person who asked.
    pub fn answer(&self, found: &Value) -> String {
        (self.say)(found)
    }
}

/// The first `YYYY-MM` of a text.
fn month_of(text: &str) -> Option<(i64, i64)> {
    text.split(|letter: char| !letter.is_ascii_digit() && letter != '-').find_map(|word| {
        let (year, month) = word.split_once('-')?;
        let (year, month) = (year.parse().ok()?, month.parse().ok()?);
        ((1..=9999).contains(&year) && (1..=12).contains(&month)).then_some((year, month))
    })
}

fn sales(found: &Value) -> String {
    let total = &found["total"];
    let (orders, units, revenue) = (&total["orders"], &total["units"], &total["revenue_twd"]);
    format!(
        "{} 至 {}：{orders} 筆訂單，{units} 件商品，營業額 NT${revenue}。",
        words(&found["from"]),
        words(&found["to"])
    )
}

fn order(found: &Value) -> String {
    let Some(order) = found["orders"].as_array().and_then(|orders| orders.first()) else {
        return "還沒有訂單。".to_owned();
    };
    format!(
        "最近一筆訂單是 {}，狀態 {}，金額 NT${}。",
        words(&order["id"]),
        words(&order["status"]),
        order["total_twd"]
    )
}

fn products(found: &Value) -> String {
    let listed = found["products"].as_array().map(Vec::as_slice).unwrap_or_default();
    let listed: Vec<String> =
        listed.iter().map(|product| format!("{}（NT${}）", words(&product["title"]), product["price_twd"])).collect();
    match listed.is_empty() {
        true => "現在沒有現貨。".to_owned(),
        false => format!("店裡現在有：{}。", listed.join("、")),
    }
}

fn words(value: &Value) -> &str {
    value.as_str().unwrap_or("?")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_say_which_tool_is_meant() {
        for (text, tool, arguments) in [
            (
                "2026-02 的業績如何？",
                "sales_summary__shop",
                json!({"from": "2026-02-01", "to": "2026-02-28", "by": "month"}),
            ),
            ("最近的訂單？", "list_orders__shop", json!({"limit": 1})),
            ("有什麼可以買？", "list_products__shop", json!({"in_stock": true, "limit": 3})),
            // Of no month it knows nothing.
            ("2026-13 的業績", "list_products__shop", json!({"in_stock": true, "limit": 3})),
        ] {
            let question = Question::read(text);
            assert_eq!((question.tool, question.arguments), (tool, arguments), "{text}");
        }
    }

    #[test]
    fn an_answer_says_what_was_found() {
        let sum = json!({"orders": 3, "units": 5, "revenue_twd": 700});
        let found = json!({"from": "2026-02-01", "to": "2026-02-28", "total": sum});
        assert_eq!(
            Question::read("2026-02 業績").answer(&found),
            "2026-02-01 至 2026-02-28：3 筆訂單，5 件商品，營業額 NT$700。"
        );
        assert_eq!(Question::read("訂單").answer(&json!({"orders": []})), "還沒有訂單。");
        let two = json!({"products": [{"title": "A", "price_twd": 1}, {"title": "B", "price_twd": 2}]});
        assert_eq!(Question::read("").answer(&two), "店裡現在有：A（NT$1）、B（NT$2）。");
    }
}
