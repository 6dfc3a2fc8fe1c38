//! `list_products`: what the shop sells, by id, page by page.

use rmcp::model::Tool;
use rusqlite::{Connection, named_params};
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::page::Place;
use super::read_only;
use super::refusal::{self, Refusal};
use super::words::SHELVES;

/// Products on a page.
const USUAL: u64 = 20;
const MOST: u64 = 100;
/// Characters of a text to look for.
const LONGEST_TEXT: usize = 50;

const MATCHING: &str = "
select count(*)
from products
where (:category is null or category = :category)
  and (:text is null or instr(title, :text) > 0)
  and (:most is null or price_twd <= :most)
  and (not :in_stock or stock > 0)";

const PRODUCTS: &str = "
select id, title, category, price_twd, stock
from products
where (:category is null or category = :category)
  and (:text is null or instr(title, :text) > 0)
  and (:most is null or price_twd <= :most)
  and (not :in_stock or stock > 0)
  and (:after is null or id > :after)
order by id
limit :limit";

/// What is wanted.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Wanted {
    pub category: Option<String>,
    pub text: Option<String>,
    pub max_price_twd: Option<u64>,
    #[serde(default)]
    pub in_stock: bool,
    pub limit: Option<u64>,
    pub cursor: Option<String>,
}

/// A page.
#[derive(Debug, PartialEq, Serialize)]
pub struct Products {
    pub products: Vec<Product>,
    pub matching: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next_cursor: Option<String>,
}

/// Something to buy.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Product {
    pub id: String,
    pub title: String,
    pub category: String,
    pub price_twd: u64,
    pub stock: u64,
}

/// What a product can belong to.
pub fn categories() -> Vec<&'static str> {
    SHELVES.iter().map(|shelf| shelf.category).collect()
}

/// The tool.
pub fn tool() -> Tool {
    let input = json!({
        "type": "object",
        "properties": {
            "category": {"type": "string", "enum": categories(), "description": "Only products of this category"},
            "text": {"type": "string", "minLength": 1, "maxLength": LONGEST_TEXT, "description": "Only titles with it"},
            "max_price_twd": {"type": "integer", "minimum": 0, "maximum": 1_000_000, "description": "At most so much"},
            "in_stock": {"type": "boolean", "default": false, "description": "Only what can be sent at once"},
            "limit": {"type": "integer", "minimum": 1, "maximum": MOST, "default": USUAL, "description": "Products on a page"},
            "cursor": {"type": "string", "maxLength": 200, "description": "The next_cursor of the page before"}
        },
        "additionalProperties": false
    });
    let product = json!({
        "type": "object",
        "properties": {
            "id": {"type": "string"},
            "title": {"type": "string"},
            "category": {"type": "string", "enum": categories()},
            "price_twd": {"type": "integer", "minimum": 0, "description": "New Taiwan dollars"},
            "stock": {"type": "integer", "minimum": 0}
        },
        "required": ["id", "title", "category", "price_twd", "stock"],
        "additionalProperties": false
    });
    let output = json!({
        "type": "object",
        "properties": {
            "products": {"type": "array", "maxItems": MOST, "items": product},
            "matching": {"type": "integer", "minimum": 0, "description": "Products on all pages together"},
            "next_cursor": {"type": "string", "description": "Missing on the last page"}
        },
        "required": ["products", "matching"],
        "additionalProperties": false
    });
    let description = "Lists what the shop sells, with prices and stock. Narrow it by category, words of the title, price \
                       and stock; go on with next_cursor.";
    read_only("list_products", "List products", description, input, output)
}

/// The page that is wanted.
pub fn answer(connection: &Connection, wanted: &Wanted) -> Result<Products, Refusal> {
    if wanted.category.as_deref().is_some_and(|category| !categories().contains(&category)) {
        return Err(Refusal::Arguments(format!("category must be one of {}", categories().join(", "))));
    }
    if let Some(text) = &wanted.text {
        refusal::short("text", text, 1, LONGEST_TEXT)?;
    }
    let limit = refusal::limit(wanted.limit, USUAL, MOST)?;
    let after = wanted.cursor.as_deref().map(Place::read).transpose()?.map(|place| place.id);
    let (category, text, most, in_stock) = (&wanted.category, &wanted.text, wanted.max_price_twd, wanted.in_stock);
    let matching = connection.prepare_cached(MATCHING)?.query_one(
        named_params! {":category": category, ":text": text, ":most": most, ":in_stock": in_stock},
        |row| row.get(0),
    )?;
    let mut select = connection.prepare_cached(PRODUCTS)?;
    let rows = select.query_map(
        named_params! {
            ":category": category, ":text": text, ":most": most, ":in_stock": in_stock,
            ":after": after, ":limit": limit + 1,
        },
        |row| {
            let (id, title, category) = (row.get(0)?, row.get(1)?, row.get(2)?);
            Ok(Product { id, title, category, price_twd: row.get(3)?, stock: row.get(4)? })
        },
    )?;
    let mut products: Vec<Product> = rows.collect::<Result<_, _>>()?;
    let more = products.len() as u64 > limit;
    products.truncate(usize::try_from(limit).unwrap_or(usize::MAX));
    let next_cursor = products.last().filter(|_| more).map(|last| Place::of("", &last.id).written());
    Ok(Products { products, matching, next_cursor })
}
