//! Attacks, each run as the role the attacker would have; a superuser only prepares them and looks at what they left.

mod context;
mod starvation;
mod unloaded;
mod worker_process;

use crate::harness::server::environment;

/// Settings that make every plan that can be parallel so.
fn force_parallel() -> String {
    let debug = if environment("AWOOOP_TEST_PG") == "15" { "force_parallel_mode" } else { "debug_parallel_query" };
    format!(
        "set {debug} = on; set parallel_setup_cost = 0; set parallel_tuple_cost = 0;
         set min_parallel_table_scan_size = 0; set min_parallel_index_scan_size = 0"
    )
}
