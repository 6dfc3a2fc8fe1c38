//! `list_orders`: orders with their lines, the newest first, page by page. Nothing about who ordered but an id.

use rmcp::model::Tool;
use rusqlite::{Connection, Row, named_params};
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::page::Place;
use super::refusal::{self, Refusal};
use super::{calendar, read_only};

/// What can become of an order.
pub const STATUSES: [&str; 6] = ["pending", "paid", "shipped", "delivered", "cancelled", "returned"];

/// Orders on a page.
const USUAL: u64 = 10;
const MOST: u64 = 100;

const ORDERS: &str = "
select id, customer_id, ordered_at, status, payment, shipping_twd, total_twd
from orders
where (:status is null or status = :status)
  and (:customer is null or customer_id = :customer)
  and (:from is null or ordered_at >= :from)
  and (:until is null or ordered_at < :until)
  and (:least is null or total_twd >= :least)
  and (:before is null or (ordered_at, id) < (:before, :before_id))
order by ordered_at desc, id desc
limit :limit";

const MATCHING: &str = "
select count(*)
from orders
where (:status is null or status = :status)
  and (:customer is null or customer_id = :customer)
  and (:from is null or ordered_at >= :from)
  and (:until is null or ordered_at < :until)
  and (:least is null or total_twd >= :least)";

const LINES: &str = "
select l.product_id, p.title, l.quantity, l.unit_price_twd
from order_lines l
join products p on p.id = l.product_id
where l.order_id = :order
order by l.line";

/// What is wanted.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Wanted {
    pub status: Option<String>,
    pub customer_id: Option<String>,
    pub from: Option<String>,
    pub to: Option<String>,
    pub min_total_twd: Option<u64>,
    pub limit: Option<u64>,
    pub cursor: Option<String>,
}

/// A page.
#[derive(Debug, PartialEq, Serialize)]
pub struct Orders {
    pub orders: Vec<Order>,
    pub matching: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next_cursor: Option<String>,
}

/// An order.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Order {
    pub id: String,
    pub customer_id: String,
    pub ordered_at: String,
    pub status: String,
    pub payment: String,
    pub shipping_twd: u64,
    pub total_twd: u64,
    pub lines: Vec<Line>,
}

/// So many of one thing.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Line {
    pub product_id: String,
    pub title: String,
    pub quantity: u64,
    pub unit_price_twd: u64,
}

/// The tool.
pub fn tool() -> Tool {
    let date = |description: &str| json!({"type": "string", "format": "date", "description": description});
    let input = json!({
        "type": "object",
        "properties": {
            "status": {"type": "string", "enum": STATUSES, "description": "Only orders of this status"},
            "customer_id": {"type": "string", "pattern": "^C[0-9]{6}$", "description": "Only orders of this customer"},
            "from": date("First day, in Taipei"),
            "to": date("Last day, in Taipei"),
            "min_total_twd": {"type": "integer", "minimum": 0, "maximum": 10_000_000, "description": "At least so much"},
            "limit": {"type": "integer", "minimum": 1, "maximum": MOST, "default": USUAL, "description": "Orders on a page"},
            "cursor": {"type": "string", "maxLength": 200, "description": "The next_cursor of the page before"}
        },
        "additionalProperties": false
    });
    let money = || json!({"type": "integer", "minimum": 0, "description": "New Taiwan dollars"});
    let text = || json!({"type": "string"});
    let line = json!({
        "type": "object",
        "properties": {
            "product_id": text(),
            "title": text(),
            "quantity": {"type": "integer", "minimum": 1},
            "unit_price_twd": money()
        },
        "required": ["product_id", "title", "quantity", "unit_price_twd"],
        "additionalProperties": false
    });
    let order = json!({
        "type": "object",
        "properties": {
            "id": text(),
            "customer_id": text(),
            "ordered_at": {"type": "string", "format": "date-time"},
            "status": {"type": "string", "enum": STATUSES},
            "payment": text(),
            "shipping_twd": money(),
            "total_twd": money(),
            "lines": {"type": "array", "items": line}
        },
        "required": ["id", "customer_id", "ordered_at", "status", "payment", "shipping_twd", "total_twd", "lines"],
        "additionalProperties": false
    });
    let output = json!({
        "type": "object",
        "properties": {
            "orders": {"type": "array", "maxItems": MOST, "items": order},
            "matching": {"type": "integer", "minimum": 0, "description": "Orders on all pages together"},
            "next_cursor": {"type": "string", "description": "Missing on the last page"}
        },
        "required": ["orders", "matching"],
        "additionalProperties": false
    });
    let description = "Lists orders with their lines, the newest first. Narrow it by status, customer, days and total; \
                       go on with next_cursor.";
    read_only("list_orders", "List orders", description, input, output)
}

/// The page that is wanted.
pub fn answer(connection: &Connection, wanted: &Wanted) -> Result<Orders, Refusal> {
    if wanted.status.as_deref().is_some_and(|status| !STATUSES.contains(&status)) {
        return Err(Refusal::Arguments(format!("status must be one of {}", STATUSES.join(", "))));
    }
    let limit = refusal::limit(wanted.limit, USUAL, MOST)?;
    let from = wanted.from.as_deref().map(|from| refusal::date("from", from)).transpose()?.map(calendar::text);
    // The first day that is not wanted any more: every moment of the last one is before it.
    let until = wanted.to.as_deref().map(|to| refusal::date("to", to)).transpose()?.map(|day| calendar::text(day + 1));
    let after = wanted.cursor.as_deref().map(Place::read).transpose()?;
    let (status, customer, least) = (&wanted.status, &wanted.customer_id, wanted.min_total_twd);
    let matching = connection.prepare_cached(MATCHING)?.query_one(
        named_params! {":status": status, ":customer": customer, ":from": from, ":until": until, ":least": least},
        |row| row.get(0),
    )?;
    let (before, before_id) = after.map(|place| (place.value, place.id)).unzip();
    let mut select = connection.prepare_cached(ORDERS)?;
    let rows = select.query_map(
        named_params! {
            ":status": status, ":customer": customer, ":from": from, ":until": until, ":least": least,
            ":before": before, ":before_id": before_id, ":limit": limit + 1,
        },
        order,
    )?;
    let mut orders: Vec<Order> = rows.collect::<Result<_, _>>()?;
    let more = orders.len() as u64 > limit;
    orders.truncate(usize::try_from(limit).unwrap_or(usize::MAX));
    for order in &mut orders {
        order.lines = lines(connection, &order.id)?;
    }
    let next_cursor = orders.last().filter(|_| more).map(|last| Place::of(&last.ordered_at, &last.id).written());
    Ok(Orders { orders, matching, next_cursor })
}

fn order(row: &Row<'_>) -> rusqlite::Result<Order> {
    Ok(Order {
        id: row.get(0)?,
        customer_id: row.get(1)?,
        ordered_at: row.get(2)?,
        status: row.get(3)?,
        payment: row.get(4)?,
        shipping_twd: row.get(5)?,
        total_twd: row.get(6)?,
        lines: Vec::new(),
    })
}

fn lines(connection: &Connection, order: &str) -> rusqlite::Result<Vec<Line>> {
    let mut select = connection.prepare_cached(LINES)?;
    let rows = select.query_map(named_params! {":order": order}, |row| {
        Ok(Line { product_id: row.get(0)?, title: row.get(1)?, quantity: row.get(2)?, unit_price_twd: row.get(3)? })
    })?;
    rows.collect()
}
