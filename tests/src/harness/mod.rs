//! What tests stand on: connections by role, projects with unique names, answers and errors in one shape.

pub mod answer;
pub mod server;
pub mod tenant;

pub use answer::{Failure, Session};
pub use server::{connect, connect_as, own_database, superuser, uri_for};
pub use tenant::{Tenant, project, unique};
