//! Budgets: what an amount is, which limits hold for whom, whether a need fits, what usage costs, where a rate leads.
//!
//! A need fits or it does not, as a whole. New work is admitted up to the hard limits; what is under way may go as far
//! as their burst. What was really used is always booked: what no limit has room for is overrun.

mod amount;
mod forecast;
mod grant;
mod limit;
pub mod pots;
mod price;

pub use amount::{Amount, MOST, UNLIMITED, Unit};
pub use forecast::{Forecast, forecast};
pub use grant::{Ceiling, Constraint, Lack, lack, room, share, soft_crossed, soft_reached};
pub use limit::{Bounds, EACH, Level, Limit, Period, Source, Who, bounds};
pub use price::{Price, Usage};
