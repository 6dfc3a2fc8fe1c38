//! The documentation page in a browser without a screen, that reaches this gateway and no other host.

use std::process::{Command, Stdio};

use super::scene::Scene;
use crate::harness::unique;

/// The page as the browser has made it, after its scripts ran.
fn rendered(address: &str) -> String {
    let profile = std::env::temp_dir().join(unique("browser"));
    let browser = std::env::var("AWOOOP_TEST_BROWSER").unwrap_or_else(|_| "chromium".to_owned());
    let mut command = Command::new(&browser);
    command.args(["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"]);
    command.args(["--disable-background-networking", "--disable-component-update", "--disable-sync"]);
    // Whoever the page may ask for besides, there is nobody of that name.
    command.arg("--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1");
    command.arg(format!("--user-data-dir={}", profile.display()));
    command.args(["--virtual-time-budget=10000", "--dump-dom"]).arg(format!("http://{address}/docs/"));
    let output = command.stdin(Stdio::null()).output();
    let _ = std::fs::remove_dir_all(&profile);
    let output = output.unwrap_or_else(|error| panic!("{browser} (apt: chromium) does not run: {error}"));
    String::from_utf8_lossy(&output.stdout).into_owned()
}

#[test]
fn a_browser_shows_the_operations_without_another_host() {
    let scene = Scene::new();
    let page = rendered(&scene.gateway.address);
    for path in ["/v1/platform/envelopes", "/v1/platform/runs/claim", "/v1/platform/api-keys"] {
        assert!(page.contains(&format!("data-path=\"{path}\"")), "{path} is not shown: {page:.2000}");
    }
    assert!(page.contains("Build the platform envelope of a message"), "no summaries are shown");
    assert!(page.contains("AwoooP") && !page.contains("Failed to load"), "{page:.2000}");
    // Whether the gateway was ready is what the harness asked.
    let by_browser = |line: &serde_json::Value| line["message"] == "request" && line["route"] != "/readyz";
    let asked: Vec<_> = scene.gateway.lines().into_iter().filter(by_browser).collect();
    let of = |route: &str| asked.iter().filter(|line| line["route"] == route).count();
    assert!(of("/docs/{file}") >= 3 && of("/openapi.json") == 1, "{asked:?}");
    for line in asked {
        assert!(line["status"].as_u64().is_some_and(|status| status < 400), "the page asked in vain: {line}");
    }
}

#[test]
fn the_page_is_found_and_framed_by_nobody() {
    let scene = Scene::new();
    let moved = scene.caller.get("/docs");
    assert_eq!((moved.status, moved.header("location")), (308, "/docs/"));
    let page = scene.caller.get("/docs/");
    assert_eq!((page.status, page.header("content-type")), (200, "text/html"));
    assert!(page.header("content-security-policy").contains("frame-ancestors 'none'"));
    for path in ["/docs/absent.js", "/docs/../etc/passwd", "/docs/%2e%2e/%2e%2e/etc/passwd"] {
        assert_eq!(scene.caller.get(path).problem(), (404, "E-HTTP-001".into()), "{path}");
    }
}
