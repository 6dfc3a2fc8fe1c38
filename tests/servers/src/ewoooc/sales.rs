//! `sales_summary`: what was sold in a period, by day, month or category. An order counts once it is paid and as long as it
//! is neither cancelled nor returned; sending is no sale.

use rmcp::model::Tool;
use rusqlite::{Connection, named_params};
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::refusal::{self, Refusal};
use super::{calendar, read_only};

/// What counts as sold.
pub const SOLD: [&str; 3] = ["paid", "shipped", "delivered"];

/// The longest period: by day it would otherwise be a long list.
const MOST_DAYS: i64 = 92;
const MOST_DAYS_IN_LONGER_STEPS: i64 = 1_096;

/// The names of the steps, and what rows of a step have in common.
const STEPS: [(&str, &str); 3] =
    [("day", "substr(o.ordered_at, 1, 10)"), ("month", "substr(o.ordered_at, 1, 7)"), ("category", "p.category")];

/// What is wanted.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Wanted {
    pub from: String,
    pub to: String,
    pub by: String,
}

/// The answer.
#[derive(Debug, PartialEq, Serialize)]
pub struct Sales {
    pub from: String,
    pub to: String,
    pub by: String,
    pub steps: Vec<Step>,
    pub total: Sum,
}

/// What was sold in one step.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Step {
    pub key: String,
    #[serde(flatten)]
    pub sum: Sum,
}

/// What was sold.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Sum {
    pub orders: u64,
    pub units: u64,
    pub revenue_twd: u64,
}

/// The tool.
pub fn tool() -> Tool {
    let steps = STEPS.map(|(name, _)| name);
    let date = |description: &str| json!({"type": "string", "format": "date", "description": description});
    let input = json!({
        "type": "object",
        "properties": {
            "from": date("First day, in Taipei"),
            "to": date("Last day, in Taipei; at most 92 days by day, three years otherwise"),
            "by": {"type": "string", "enum": steps, "description": "What to add up"}
        },
        "required": ["from", "to", "by"],
        "additionalProperties": false
    });
    let number = |description: &str| json!({"type": "integer", "minimum": 0, "description": description});
    let sum = json!({
        "orders": number("Orders with something of it"),
        "units": number("Pieces"),
        "revenue_twd": number("New Taiwan dollars, without sending")
    });
    let mut step = sum.clone();
    step["key"] = json!({"type": "string", "description": "The day, the month, or the category"});
    let output = json!({
        "type": "object",
        "properties": {
            "from": {"type": "string"},
            "to": {"type": "string"},
            "by": {"type": "string", "enum": steps},
            "steps": {"type": "array", "description": "Those in which something was sold", "items": {
                "type": "object",
                "properties": step,
                "required": ["key", "orders", "units", "revenue_twd"],
                "additionalProperties": false
            }},
            "total": {
                "type": "object",
                "properties": sum,
                "required": ["orders", "units", "revenue_twd"],
                "additionalProperties": false
            }
        },
        "required": ["from", "to", "by", "steps", "total"],
        "additionalProperties": false
    });
    let description = "Adds up what was sold from one day to another, by day, month or category. Cancelled and returned \
                       orders do not count.";
    read_only("sales_summary", "Sales summary", description, input, output)
}

/// The summary that is wanted.
pub fn answer(connection: &Connection, wanted: &Wanted) -> Result<Sales, Refusal> {
    let Some((name, key)) = STEPS.into_iter().find(|(name, _)| *name == wanted.by) else {
        return Err(Refusal::Arguments("by must be day, month or category".to_owned()));
    };
    let (from, to) = (refusal::date("from", &wanted.from)?, refusal::date("to", &wanted.to)?);
    let most = if name == "day" { MOST_DAYS } else { MOST_DAYS_IN_LONGER_STEPS };
    if from > to || to - from >= most {
        return Err(Refusal::Arguments(format!(
            "to must not be before from, nor more than {most} days of them wanted"
        )));
    }
    let until = calendar::text(to + 1);
    // Only one of the three texts above becomes part of the statement.
    let rows = |key: &str| {
        format!(
            "select {key}, count(distinct o.id), sum(l.quantity), sum(l.quantity * l.unit_price_twd)
             from orders o
             join order_lines l on l.order_id = o.id
             join products p on p.id = l.product_id
             where o.ordered_at >= :from and o.ordered_at < :until and o.status in (:paid, :shipped, :delivered)
             group by 1
             order by 1"
        )
    };
    let [paid, shipped, delivered] = SOLD;
    let read = |key: &str| -> Result<Vec<Step>, Refusal> {
        let mut select = connection.prepare_cached(&rows(key))?;
        let bound = named_params! {
            ":from": wanted.from, ":until": until, ":paid": paid, ":shipped": shipped, ":delivered": delivered,
        };
        let steps = select.query_map(bound, |row| {
            let sum = Sum { orders: row.get(1)?, units: row.get(2)?, revenue_twd: row.get(3)? };
            Ok(Step { key: row.get(0)?, sum })
        })?;
        Ok(steps.collect::<Result<_, _>>()?)
    };
    let steps = read(key)?;
    // Not the steps' sum: an order with goods of two categories is one order.
    let total = read("''")?.first().map(|step| step.sum).unwrap_or_default();
    Ok(Sales { from: wanted.from.clone(), to: wanted.to.clone(), by: name.to_owned(), steps, total })
}
