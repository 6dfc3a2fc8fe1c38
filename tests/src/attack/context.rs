//! Forging the tenant context.

use crate::harness::Tenant;

#[test]
fn a_tenant_cannot_set_its_context_by_hand() {
    let mut tenant = Tenant::new("shadow", "runs:read");
    let victim = Tenant::new("shadow", "runs:read").project;
    for sql in [
        format!("set awooop.project_id = '{victim}'"),
        format!("set local awooop.project_id = '{victim}'"),
        format!("select set_config('awooop.project_id', '{victim}', false)"),
        format!("select set_config('awooop.project_id', '{victim}', true)"),
        "reset awooop.project_id".to_owned(),
    ] {
        assert_eq!(tenant.session.code(&sql), "42501", "{sql}");
    }
    assert_eq!(tenant.session.value("select awooop.current_project_id()"), "");
}
