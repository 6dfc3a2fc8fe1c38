//! The sample as a file of SQLite: made once, whole or not at all, and then only read.

use std::fs;
use std::io;
use std::path::Path;
use std::sync::{Mutex, PoisonError};

use rusqlite::{Connection, OpenFlags, Transaction, params};

use super::sample::{Scale, Shop, shop};

/// Goes up with whatever the sample is made of: a file of another version would answer something else.
const VERSION: i64 = 1;

const TABLES: &str = "
create table customers (
    id text primary key, name text not null, phone text not null unique, email text not null unique,
    address text not null, registered_on text not null
) without rowid;
create table products (
    id text primary key, title text not null, category text not null, price_twd integer not null, stock integer not null
) without rowid;
create table orders (
    id text primary key, customer_id text not null references customers, ordered_at text not null,
    status text not null, payment text not null, shipping_twd integer not null, total_twd integer not null
) without rowid;
create table order_lines (
    order_id text not null references orders, line integer not null, product_id text not null references products,
    quantity integer not null, unit_price_twd integer not null,
    primary key (order_id, line)
) without rowid;";

const INDEXES: &str = "
create index customers_by_name on customers (name);
create index orders_by_time on orders (ordered_at, id);
create index orders_by_customer on orders (customer_id, ordered_at);
create index products_by_category on products (category);
analyze;";

/// Connections to the sample, for reading.
pub struct Database {
    idle: Mutex<Vec<Connection>>,
    open: Box<dyn Fn() -> rusqlite::Result<Connection> + Send + Sync>,
}

impl Database {
    /// The sample in a file, which is made if it is not there.
    pub fn prepare(file: &Path, scale: Scale) -> io::Result<Self> {
        if !file.exists() {
            let unfinished = file.with_extension("unfinished");
            if unfinished.exists() {
                fs::remove_file(&unfinished)?;
            }
            let mut connection = Connection::open(&unfinished).map_err(io::Error::other)?;
            fill(&mut connection, &shop(scale)).map_err(io::Error::other)?;
            connection.close().map_err(|(_, cause)| io::Error::other(cause))?;
            fs::rename(&unfinished, file)?;
        }
        let path = file.to_owned();
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let database =
            Self { idle: Mutex::default(), open: Box::new(move || Connection::open_with_flags(&path, flags)) };
        let version = database.read(|connection| connection.pragma_query_value(None, "user_version", |row| row.get(0)));
        match version {
            Ok(VERSION) => Ok(database),
            _ => Err(io::Error::other(format!("{} is not a sample of this version: remove it", file.display()))),
        }
    }

    /// Reads with a connection of the caller's own.
    pub fn read<T, E: From<rusqlite::Error>>(&self, query: impl FnOnce(&Connection) -> Result<T, E>) -> Result<T, E> {
        let idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let connection = match idle {
            Some(connection) => connection,
            None => (self.open)()?,
        };
        let answer = query(&connection);
        self.idle.lock().unwrap_or_else(PoisonError::into_inner).push(connection);
        answer
    }
}

/// Writes a shop into an empty database.
pub fn fill(connection: &mut Connection, shop: &Shop) -> rusqlite::Result<()> {
    // Whoever is interrupted here begins anew: nothing needs to survive a crash.
    connection.pragma_update(None, "journal_mode", "off")?;
    connection.pragma_update(None, "synchronous", "off")?;
    let transaction = connection.transaction()?;
    transaction.execute_batch(TABLES)?;
    people_and_goods(&transaction, shop)?;
    orders(&transaction, shop)?;
    transaction.execute_batch(INDEXES)?;
    transaction.pragma_update(None, "user_version", VERSION)?;
    transaction.commit()
}

fn people_and_goods(transaction: &Transaction<'_>, shop: &Shop) -> rusqlite::Result<()> {
    let mut insert = transaction.prepare("insert into customers values (?1, ?2, ?3, ?4, ?5, ?6)")?;
    for one in &shop.customers {
        insert.execute(params![one.id, one.name, one.phone, one.email, one.address, one.registered_on])?;
    }
    let mut insert = transaction.prepare("insert into products values (?1, ?2, ?3, ?4, ?5)")?;
    for one in &shop.products {
        insert.execute(params![one.id, one.title, one.category, one.price_twd, one.stock])?;
    }
    Ok(())
}

fn orders(transaction: &Transaction<'_>, shop: &Shop) -> rusqlite::Result<()> {
    let mut insert = transaction.prepare("insert into orders values (?1, ?2, ?3, ?4, ?5, ?6, ?7)")?;
    let mut insert_line = transaction.prepare("insert into order_lines values (?1, ?2, ?3, ?4, ?5)")?;
    for one in &shop.orders {
        let customer = &shop.customers[one.customer].id;
        let values =
            params![one.id, customer, one.ordered_at, one.status, one.payment, one.shipping_twd, one.total_twd];
        insert.execute(values)?;
        for (place, line) in one.lines.iter().enumerate() {
            let product = &shop.products[line.product].id;
            insert_line.execute(params![one.id, place + 1, product, line.quantity, line.unit_price_twd])?;
        }
    }
    Ok(())
}
