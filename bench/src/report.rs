//! What a benchmark found: figures, and ratios held against their targets.

use serde_json::{Value, json};

/// One figure.
struct Figure {
    name: String,
    value: f64,
    unit: &'static str,
    /// The target and whether it is met.
    target: Option<(String, bool)>,
}

/// The figures of one benchmark.
#[derive(Default)]
pub struct Report(Vec<Figure>);

impl Report {
    pub fn figure(&mut self, name: impl Into<String>, value: f64, unit: &'static str) {
        self.0.push(Figure { name: name.into(), value, unit, target: None });
    }

    /// A figure that should be at least `target`.
    pub fn at_least(&mut self, name: impl Into<String>, value: f64, unit: &'static str, target: f64) {
        let held = Some((format!(">= {target}"), value >= target));
        self.0.push(Figure { name: name.into(), value, unit, target: held });
    }

    /// A figure that should be below `target`.
    pub fn below(&mut self, name: impl Into<String>, value: f64, unit: &'static str, target: f64) {
        let held = Some((format!("< {target}"), value < target));
        self.0.push(Figure { name: name.into(), value, unit, target: held });
    }

    pub fn json(&self, name: &str) -> String {
        let figures: Vec<Value> = self
            .0
            .iter()
            .map(|f| {
                let (target, met) = f.target.clone().map_or((None, None), |(t, met)| (Some(t), Some(met)));
                json!({"name": f.name, "value": f.value, "unit": f.unit, "target": target, "met": met})
            })
            .collect();
        json!({"benchmark": name, "figures": figures}).to_string()
    }

    pub fn table(&self, name: &str) -> String {
        let mut text = format!("| {name} | value | unit | target |\n|---|---:|---|---|\n");
        for f in &self.0 {
            let target = match &f.target {
                Some((target, true)) => format!("{target}: met"),
                Some((target, false)) => format!("{target}: MISSED"),
                None => String::new(),
            };
            let value = if f.value >= 100.0 { format!("{:.0}", f.value) } else { format!("{:.3}", f.value) };
            text.push_str(&format!("| {} | {value} | {} | {target} |\n", f.name, f.unit));
        }
        text
    }
}

/// The middle value.
pub fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or_default()
}
