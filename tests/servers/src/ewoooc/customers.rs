//! `find_customer`: who somebody is, by phone, mail or name. The only tool that tells personal data, all of it: what a
//! caller may see of it is for the gateway to decide.

use rmcp::model::Tool;
use rusqlite::{Connection, Row, named_params};
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::read_only;
use super::refusal::{self, Refusal};

const USUAL: u64 = 5;
const MOST: u64 = 20;

const CUSTOMERS: &str = "
select c.id, c.name, c.phone, c.email, c.address, c.registered_on,
       (select count(*) from orders o where o.customer_id = c.id),
       (select max(o.ordered_at) from orders o where o.customer_id = c.id)
from customers c
where c.phone = :phone or c.email = :email or (c.name >= :name and c.name < :after_name)
order by c.id
limit :limit";

/// What is wanted.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Wanted {
    pub phone: Option<String>,
    pub email: Option<String>,
    pub name: Option<String>,
    pub limit: Option<u64>,
}

/// The answer.
#[derive(Debug, PartialEq, Serialize)]
pub struct Customers {
    pub customers: Vec<Customer>,
}

/// Someone who buys.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Customer {
    pub id: String,
    pub name: String,
    pub phone: String,
    pub email: String,
    pub address: String,
    pub registered_on: String,
    pub orders: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_ordered_at: Option<String>,
}

/// The tool.
pub fn tool() -> Tool {
    let input = json!({
        "type": "object",
        "properties": {
            "phone": {"type": "string", "minLength": 10, "maxLength": 20, "description": "The whole number: 09xx-xxx-xxx"},
            "email": {"type": "string", "minLength": 3, "maxLength": 254, "description": "The whole address"},
            "name": {"type": "string", "minLength": 2, "maxLength": 20, "description": "The name, or its beginning"},
            "limit": {"type": "integer", "minimum": 1, "maximum": MOST, "default": USUAL, "description": "At most so many"}
        },
        "oneOf": [{"required": ["phone"]}, {"required": ["email"]}, {"required": ["name"]}],
        "additionalProperties": false
    });
    let text = |description: &str| json!({"type": "string", "description": description});
    let customer = json!({
        "type": "object",
        "properties": {
            "id": text("Customer"),
            "name": text("Full name"),
            "phone": text("Mobile number"),
            "email": text("Address of mail"),
            "address": text("Where orders are sent"),
            "registered_on": {"type": "string", "format": "date"},
            "orders": {"type": "integer", "minimum": 0},
            "last_ordered_at": {"type": "string", "format": "date-time"}
        },
        "required": ["id", "name", "phone", "email", "address", "registered_on", "orders"],
        "additionalProperties": false
    });
    let output = json!({
        "type": "object",
        "properties": {"customers": {"type": "array", "maxItems": MOST, "items": customer}},
        "required": ["customers"],
        "additionalProperties": false
    });
    let description = "Finds customers by their mobile number, their address of mail, or the beginning of their name: one \
                       of the three. Tells personal data.";
    read_only("find_customer", "Find a customer", description, input, output)
}

/// Those who are wanted.
pub fn answer(connection: &Connection, wanted: &Wanted) -> Result<Customers, Refusal> {
    let limit = refusal::limit(wanted.limit, USUAL, MOST)?;
    let (mut phone, mut email, mut name) = (None, None, None);
    match (&wanted.phone, &wanted.email, &wanted.name) {
        (Some(given), None, None) => phone = Some(as_kept(given)?),
        (None, Some(given), None) => {
            refusal::short("email", given, 3, 254)?;
            email = Some(given.to_lowercase());
        }
        (None, None, Some(given)) => {
            refusal::short("name", given, 2, 20)?;
            name = Some(given.clone());
        }
        _ => return Err(Refusal::Arguments("one of phone, email and name must be given".to_owned())),
    }
    // All that begins with a text sorts before the text with the last of all characters behind it.
    let after_name = name.as_ref().map(|name| format!("{name}{}", char::MAX));
    let mut select = connection.prepare_cached(CUSTOMERS)?;
    let bound = named_params! {
        ":phone": phone, ":email": email, ":name": name, ":after_name": after_name, ":limit": limit,
    };
    let customers = select.query_map(bound, customer)?.collect::<Result<_, _>>()?;
    Ok(Customers { customers })
}

/// A mobile number as it is kept, however it is written: with or without hyphens, spaces and the country's code.
fn as_kept(given: &str) -> Result<String, Refusal> {
    let wrong = || Refusal::Arguments("phone must be a mobile number like 0912-345-678".to_owned());
    let compact: String = given.chars().filter(|character| !matches!(character, '-' | ' ' | '(' | ')')).collect();
    let local =
        compact.strip_prefix("+886").map_or(compact.clone(), |rest| format!("0{}", rest.trim_start_matches('0')));
    let mobile = local.len() == 10 && local.starts_with("09") && local.bytes().all(|byte| byte.is_ascii_digit());
    if !mobile {
        return Err(wrong());
    }
    Ok(format!("{}-{}-{}", &local[..4], &local[4..7], &local[7..]))
}

fn customer(row: &Row<'_>) -> rusqlite::Result<Customer> {
    Ok(Customer {
        id: row.get(0)?,
        name: row.get(1)?,
        phone: row.get(2)?,
        email: row.get(3)?,
        address: row.get(4)?,
        registered_on: row.get(5)?,
        orders: row.get(6)?,
        last_ordered_at: row.get(7)?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_is_found_however_it_is_written() {
        for given in ["0912345678", "0912-345-678", "0912 345 678", "+886912345678", "+886 912-345-678"] {
            assert_eq!(as_kept(given).unwrap(), "0912-345-678", "{given}");
        }
        for wrong in ["0212345678", "912345678", "09123456789", "０９１２３４５６７８", "0912-34567x"] {
            assert!(as_kept(wrong).is_err(), "{wrong}");
        }
    }
}
