//! Budgets: what is admitted, charged, given back and stopped; and that the books agree after all of it.

mod admission;
mod charges;
mod clients;
mod clock;
mod contracts;
mod fire;
mod isolation;
mod limits;
mod model;
mod orders;
mod platform;
mod player;
mod resent;
mod retention;
mod retries;
mod rollover;
mod scene;
mod storage;
mod torn;
mod workers;
