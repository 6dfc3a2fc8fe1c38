//! Shows a command as a person can paste it, runs exactly that text in a shell, and shows the answer.

use std::process::Command;

use anyhow::{Context, Result, bail};
use serde_json::Value;

use super::pretty::pretty;
use crate::program;
use crate::server::Server;

/// A shell session: variables that were set are there for every later command.
pub struct Shell {
    server: Server,
    variables: Vec<(String, String)>,
}

/// One HTTP call of the demo.
#[derive(Default)]
pub struct Call<'a> {
    pub method: &'a str,
    /// Below `$URL`, or all of it, where it begins with a variable.
    pub path: &'a str,
    /// The variable that holds the API key; none where it is empty.
    pub key: &'a str,
    pub headers: &'a [&'a str],
    /// Headers in which variables stand.
    pub secrets: &'a [&'a str],
    pub body: Option<Value>,
}

impl Shell {
    pub fn new(server: Server) -> Shell {
        Shell { server, variables: Vec::new() }
    }

    /// Sets a variable, in sight.
    pub fn export(&mut self, name: &str, value: &str) {
        println!("$ export {name}={value}");
        self.variables.push((name.to_owned(), value.to_owned()));
    }

    /// The value of a variable that was set.
    pub fn variable(&self, name: &str) -> Result<&str> {
        let found = self.variables.iter().rev().find(|(known, _)| known == name);
        found.map(|(_, value)| value.as_str()).with_context(|| format!("{name} was never set"))
    }

    /// Makes an HTTP call with curl, and fails when the status is not the expected one. Gives the body.
    pub fn curl(&self, call: &Call, expected: u16) -> Result<Value> {
        let text = curl_text(call);
        println!("$ {text}");
        let (status, body) = self.answer(&text)?;
        println!("# {status}\n{}\n", pretty(&body));
        if status != expected {
            bail!("the call above answered {status}, where this demo expects {expected}");
        }
        serde_json::from_str(&body).context("the answer is not JSON")
    }

    /// The same out of sight, for a call that may be made again and again. Gives the body, whatever the status.
    pub fn peek(&self, call: &Call) -> Result<Value> {
        let (_, body) = self.answer(&curl_text(call))?;
        serde_json::from_str(&body).context("the answer is not JSON")
    }

    /// Status and body. The status is asked for behind the scenes; the shown command is otherwise what runs.
    fn answer(&self, text: &str) -> Result<(u16, String)> {
        let script = format!("curl() {{ command curl --max-time 30 -w '\\n%{{http_code}}' \"$@\"; }}\n{text}");
        let mut command = Command::new("sh");
        command.args(["-c", &script]).envs(self.variables.iter().map(|(name, value)| (name, value)));
        let output = program::capture(&mut command)?;
        let (body, status) = output.rsplit_once('\n').context("curl gave no status")?;
        Ok((status.parse().context("curl gave no status")?, body.to_owned()))
    }

    /// Runs statements in psql as superuser, and gives the JSON values that came out.
    pub fn psql(&self, statements: &str) -> Result<Vec<Value>> {
        println!("$ cargo xtask db psql --name {} -- -X -q -A -t <<'SQL'\n{statements}\nSQL", self.server.name);
        let mut command = self.server.psql()?;
        command.args(["-X", "-q", "-A", "-t", "--set=ON_ERROR_STOP=1"]);
        let output = program::capture_with_input(&mut command, statements)?;
        let mut values = Vec::new();
        for line in output.lines().filter(|line| !line.is_empty()) {
            let value: Option<Value> = serde_json::from_str(line).ok();
            println!("{}", if value.is_some() { pretty(line) } else { line.to_owned() });
            // To SQL callers a refusal is a result.
            if let Some(code) = value.as_ref().and_then(|value| value["code"].as_str()) {
                bail!("the last statement was refused: {code}");
            }
            values.extend(value);
        }
        println!();
        Ok(values)
    }

    /// Runs statements that the demo needs to find its way, out of sight.
    pub fn hidden(&self, statements: &str) -> Result<String> {
        self.server.sql("awooop", statements)
    }
}

fn curl_text(call: &Call) -> String {
    let base = if call.path.starts_with('$') { "" } else { "$URL" };
    let mut lines = vec![match call.method {
        "GET" => format!("curl -sS \"{base}{}\"", call.path),
        method => format!("curl -sS -X {method} \"{base}{}\"", call.path),
    }];
    if !call.key.is_empty() {
        lines.push(format!("-H \"Authorization: Bearer ${}\"", call.key));
    }
    lines.extend(call.secrets.iter().map(|header| format!("-H \"{header}\"")));
    lines.extend(call.headers.iter().map(|header| format!("-H {}", quoted(header))));
    if let Some(body) = &call.body {
        lines.push("-H 'Content-Type: application/json'".to_owned());
        lines.push(format!("-d {}", quoted(&body.to_string())));
    }
    lines.join(" \\\n    ")
}

/// A word of a shell command.
fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', "'\\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quote_in_a_body_survives_the_shell() {
        let text = "it's {\"a\": \"$HOME\"}";
        let echoed = program::capture(Command::new("sh").arg("-c").arg(format!("printf %s {}", quoted(text)))).unwrap();
        assert_eq!(echoed, text);
    }

    #[test]
    fn a_call_can_be_pasted() {
        let call = Call { method: "GET", path: "/v1/platform/runs", key: "KEY", ..Call::default() };
        let shown = curl_text(&call);
        assert_eq!(shown, "curl -sS \"$URL/v1/platform/runs\" \\\n    -H \"Authorization: Bearer $KEY\"");
        let call = Call { method: "POST", path: "$BOT_API/log", secrets: &["X-Secret: $SECRET"], ..Call::default() };
        assert_eq!(curl_text(&call), "curl -sS -X POST \"$BOT_API/log\" \\\n    -H \"X-Secret: $SECRET\"");
    }
}
