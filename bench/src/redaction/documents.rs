//! JSON as tools answer it: orders, log records, files, pods, search results, conversations, measurements. The same
//! documents every time.

use serde_json::{Value, json};

use super::corpus::random::Random;

/// Sizes of documents, in bytes.
const SIZES: [usize; 4] = [1 << 10, 4 << 10, 16 << 10, 64 << 10];
/// How far apart secrets stand in documents that have any.
const APART: usize = 4 << 10;

type Kind = fn(&mut Random) -> Value;

const KINDS: [(&str, Kind); 7] = [
    ("orders", order),
    ("logs", log_record),
    ("files", file),
    ("pods", pod),
    ("search", search_result),
    ("conversation", message),
    ("metrics", measurement),
];

/// Documents of every kind and size without anything sensitive.
pub fn clean() -> Vec<String> {
    documents(|_, _| None)
}

/// The same with a secret each four kilobytes.
pub fn dirty() -> Vec<String> {
    documents(|written, random| (written >= APART).then(|| secret(random)))
}

fn documents(planted: impl Fn(usize, &mut Random) -> Option<Value>) -> Vec<String> {
    let mut documents = Vec::new();
    for (name, kind) in KINDS {
        for size in SIZES {
            let mut random = Random::of(name, size);
            let (mut rows, mut length, mut since) = (Vec::new(), 0, APART / 2);
            while length < size {
                let row = planted(since, &mut random).inspect(|_| since = 0).unwrap_or_else(|| kind(&mut random));
                let written = row.to_string().len() + 1;
                (length, since) = (length + written, since + written);
                rows.push(row);
            }
            documents.push(json!({"ok": true, "kind": name, "items": rows, "next": null}).to_string());
        }
    }
    documents
}

fn secret(random: &mut Random) -> Value {
    let token = random.chars("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789", 36);
    match random.below(6) {
        0 => json!({"name": "ci", "token": format!("ghp_{token}")}),
        1 => json!({"user": "deploy", "password": token}),
        2 => json!({"stdout": format!("export API_KEY={token}\nok\n")}),
        3 => json!({"email": format!("{}@example.com", random.chars("abcdefghijklmnopqrstuvwxyz", 9))}),
        4 => json!({"url": format!("postgres://app:{}@db:5432/app", &token[..14])}),
        _ => json!({"msg": format!("sent Bearer {token}")}),
    }
}

const WORDS: [&str; 32] = [
    "order",
    "customer",
    "shipment",
    "the",
    "warehouse",
    "has",
    "been",
    "updated",
    "agent",
    "report",
    "with",
    "status",
    "delivery",
    "scheduled",
    "for",
    "next",
    "week",
    "summary",
    "of",
    "all",
    "open",
    "tickets",
    "and",
    "their",
    "priority",
    "channel",
    "message",
    "queue",
    "worker",
    "finished",
    "without",
    "errors",
];

fn sentence(random: &mut Random) -> String {
    let words = random.between(4, 18);
    (0..words).map(|_| random.pick(&WORDS)).collect::<Vec<_>>().join(" ")
}

fn hex(random: &mut Random, length: usize) -> String {
    random.chars("0123456789abcdef", length)
}

fn uuid(random: &mut Random) -> String {
    format!("{}-{}-4{}-a{}-{}", hex(random, 8), hex(random, 4), hex(random, 3), hex(random, 3), hex(random, 12))
}

fn time(random: &mut Random) -> String {
    let (day, hour, minute) = (random.between(10, 28), random.between(10, 23), random.between(10, 59));
    format!("2026-03-{day}T{hour}:{minute}:07.{}Z", random.digits(3))
}

fn order(random: &mut Random) -> Value {
    let items: Vec<Value> = (0..random.between(1, 3))
        .map(|_| json!({"sku": format!("SKU-{}", random.digits(6)), "qty": random.between(1, 9), "title": sentence(random)}))
        .collect();
    json!({
        "id": uuid(random), "order_no": random.between(10_000_000, 99_999_999), "status": "paid", "currency": "TWD",
        "total": random.between(100, 90_000) as f64 / 100.0, "created_at": time(random), "items": items,
        "customer": {"tier": "gold", "note": sentence(random)}, "has_more": false,
    })
}

fn log_record(random: &mut Random) -> Value {
    json!({
        "ts": time(random), "level": "info", "logger": "app.worker.queue", "msg": sentence(random),
        "trace_id": hex(random, 32), "span_id": hex(random, 16), "duration_ms": random.between(1, 900),
        "http": {"method": "GET", "path": format!("/v1/orders/{}", random.digits(5)), "status": 200},
    })
}

fn file(random: &mut Random) -> Value {
    let lines: String = (0..random.between(4, 12))
        .map(|_| match random.below(5) {
            0 => format!("    let {} = self.{}.get({});\n", random.pick(&WORDS), random.pick(&WORDS), random.below(99)),
            1 => format!("    // {}\n", sentence(random)),
            2 => format!("    if {}.is_empty() {{\n        return None;\n    }}\n", random.pick(&WORDS)),
            3 => format!("use crate::{}::{};\n", random.pick(&WORDS), random.pick(&WORDS)),
            _ => format!("    \"{}\": {},\n", random.pick(&WORDS), random.below(1000)),
        })
        .collect();
    json!({"path": format!("src/{}/{}.rs", random.pick(&WORDS), random.pick(&WORDS)), "sha": hex(random, 40), "content": lines})
}

fn pod(random: &mut Random) -> Value {
    let name = format!("{}-{}-{}", random.pick(&WORDS), hex(random, 9), hex(random, 5));
    json!({
        "kind": "Pod", "metadata": {"name": name, "namespace": "prod", "uid": uuid(random), "labels": {"app": random.pick(&WORDS)}},
        "spec": {"nodeName": format!("node-{}", random.below(40)), "containers": [{"name": "app",
            "image": format!("registry.example.com/app@sha256:{}", hex(random, 64)), "ports": [{"containerPort": 8080}]}]},
        "status": {"phase": "Running", "startTime": time(random), "restartCount": random.below(4)},
    })
}

fn search_result(random: &mut Random) -> Value {
    json!({
        "title": sentence(random), "snippet": format!("{}. {}.", sentence(random), sentence(random)),
        "url": format!("https://docs.example.com/{}/{}?page={}#{}", random.pick(&WORDS), random.pick(&WORDS), random.below(90), random.pick(&WORDS)),
        "score": random.below(1000) as f64 / 1000.0, "etag": hex(random, 32),
    })
}

fn message(random: &mut Random) -> Value {
    const SENTENCES: [&str; 6] = [
        "您好,訂單已於昨日出貨,預計三天內送達。",
        "請問這個商品還有庫存嗎?",
        "系統將於週六凌晨進行維護,屆時暫停服務。",
        "已經為您更新收件地址,謝謝您的耐心等候。",
        "報表顯示本月退貨率下降了百分之二。",
        "如需協助請回覆本訊息。",
    ];
    let text = format!("{}{} {}", random.pick(&SENTENCES), random.pick(&SENTENCES), sentence(random));
    json!({"role": "user", "message_id": random.between(1000, 9_999_999), "text": text, "at": time(random)})
}

fn measurement(random: &mut Random) -> Value {
    let values: Vec<f64> = (0..random.between(4, 16)).map(|_| random.below(1_000_000) as f64 / 1000.0).collect();
    json!({"metric": format!("{}_{}_total", random.pick(&WORDS), random.pick(&WORDS)), "step": 15, "unit": "ms",
        "start": 1_772_000_000 + random.below(999_999), "values": values})
}
