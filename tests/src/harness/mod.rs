//! What tests stand on: connections by role, projects with unique names, answers and errors in one shape.

pub mod answer;
pub mod approvals;
pub mod budgets;
pub mod channels;
pub mod contracts;
pub mod gateway;
pub mod issuer;
pub mod listener;
pub mod own_server;
pub mod platform;
pub mod platform_logins;
pub mod quiet;
pub mod race;
pub mod server;
pub mod tenant;
pub mod tools;

pub use answer::{Failure, Session, literal};
pub use own_server::{Options, OwnServer};
pub use quiet::{Actor, Claim, Project};
pub use race::at_once;
pub use server::{connect, connect_as, own_database, superuser};
pub use tenant::{Tenant, project, unique};
