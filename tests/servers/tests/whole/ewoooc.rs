//! The example tenant's shop, as it is started for a demo.

use serde_json::json;

use crate::running::{EWOOOC, Running};

#[test]
fn the_shop_makes_its_sample_and_answers_whoever_has_the_key() {
    let file = std::env::temp_dir().join(format!("ewoooc-whole-{}.sqlite", std::process::id()));
    let database = file.to_str().expect("a path");
    std::fs::remove_file(&file).ok();
    for start in ["first", "second"] {
        let options = ["--database", database, "--require-header", "Authorization=Bearer shop-key"];
        let server = Running::start(EWOOOC, &options);
        let client = server.client();
        assert_eq!(client.post(&client.message("tools/list", json!({}))).status(), 401);
        let client = client.with("authorization", "Bearer shop-key");
        let orders = client.call("list_orders", json!({"limit": 1}));
        assert_eq!(orders["result"]["structuredContent"]["matching"], 60_000, "{start}");
        assert!(orders["result"]["content"][0]["text"].as_str().expect("a text").starts_with('{'));
        let refused = client.call("find_customer", json!({"phone": "1"}));
        assert_eq!(refused["result"]["isError"], true);
        assert_eq!(client.call("drop_table", json!({}))["error"]["code"], -32602);
    }
    std::fs::remove_file(&file).expect("it was there");
}
