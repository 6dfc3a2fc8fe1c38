//! What a server says while a call is under way, on its way to the caller: progress, its log, and what it asks. All of it goes
//! through the database first, which redacts it and says whether it may be asked.

use std::time::Duration;

use rmcp::model::{
    ClientResult, ErrorData, LoggingLevel, LoggingMessageNotificationParam, ProgressNotificationParam, ProgressToken,
    ServerRequest,
};
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::sync::mpsc;
use tokio::time::timeout;
use tracing::debug;

use super::call::Open;
use super::database::Refusal;
use super::upstream::Event;
use super::wire;

/// How long the last lines of a log are waited for.
const LATE: Duration = Duration::from_millis(25);

/// Of one call.
pub struct Relay<'a> {
    pub(super) open: &'a Open<'a>,
}

#[derive(Deserialize)]
struct Relayed {
    message: Value,
}

impl Relay<'_> {
    /// Shows it to the caller, as far as it may be shown.
    pub async fn show(&self, event: Event) {
        match event {
            Event::Progress(progress) => self.progress(progress).await,
            Event::Log(log) => self.log(log).await,
            Event::Question(question, answer) => {
                // Whoever waits for it may have gone.
                let _ = answer.send(self.question(question).await);
            }
        }
    }

    /// Shows what was said before the answer and is still to be shown. Lines of a log may come by another stream than the answer:
    /// a session that asked for them waits a moment for the last.
    pub async fn show_late(&self, events: &mut mpsc::Receiver<Event>) {
        while let Ok(event) = events.try_recv() {
            self.show(event).await;
        }
        let wants_log = self.open.caller.session.log_level().is_some();
        while wants_log && let Ok(Some(event)) = timeout(LATE, events.recv()).await {
            self.show(event).await;
        }
    }

    async fn progress(&self, said: ProgressNotificationParam) {
        let Some(token) = self.open.caller.context.meta.get_progress_token() else { return };
        let message = json!({"progress": said.progress, "total": said.total, "message": said.message});
        if let Ok(shown) = self.redacted("progress", without_nulls(message)).await
            && let Some(shown) = progress_of(token, &shown)
        {
            let _ = self.open.caller.context.peer.notify_progress(shown).await;
        }
    }

    async fn log(&self, said: LoggingMessageNotificationParam) {
        if rank(said.level) < self.level() {
            return;
        }
        let message = json!({"level": said.level, "logger": said.logger, "data": said.data});
        if let Ok(shown) = self.redacted("log", without_nulls(message)).await
            && let Ok(shown) = serde_json::from_value(shown)
        {
            let _ = self.open.caller.context.peer.notify_logging_message(shown).await;
        }
    }

    /// The least that the caller wants to hear.
    fn level(&self) -> u8 {
        let caller = self.open.caller;
        let wanted = caller.context.meta.log_level().or_else(|| caller.session.log_level());
        match (wanted, caller.is_legacy()) {
            (Some(level), _) => rank(level),
            (None, true) => rank(LoggingLevel::Info),
            // In the current revision a request says that it wants any.
            (None, false) => u8::MAX,
        }
    }

    async fn question(&self, question: ServerRequest) -> Result<ClientResult, ErrorData> {
        let message = serde_json::to_value(&question).unwrap_or_default();
        let shown = self.redacted("question", message).await.map_err(Refusal::into_error)?;
        let shown: ServerRequest = serde_json::from_value(shown)
            .map_err(|_| ErrorData::internal_error("the question could not be shown", None))?;
        let answer = self.open.caller.context.peer.send_request(shown).await;
        answer.map_err(|_| ErrorData::invalid_request("the question was not answered", None))
    }

    async fn redacted(&self, kind: &str, mut message: Value) -> Result<Value, Refusal> {
        self.open.hide(&mut message);
        wire::exact(&mut message);
        let args = json!({
            "call_id": self.open.call_id, "lease": self.open.lease, "ticket": self.open.ticket, "kind": kind, "message": message
        });
        let caller = self.open.caller;
        let relayed: Result<Relayed, Refusal> =
            caller.session.core.database.ask(caller.presented, "mcp_relay", &args).await;
        if let Err(refusal) = &relayed {
            debug!(call_id = self.open.call_id, kind, code = refusal.code(), "what a server said is not shown");
        }
        Ok(relayed?.message)
    }
}

fn without_nulls(message: Value) -> Value {
    Value::Object(wire::members(message).into_iter().filter(|(_, value)| !value.is_null()).collect())
}

fn progress_of(token: ProgressToken, shown: &Value) -> Option<ProgressNotificationParam> {
    let mut progress = ProgressNotificationParam::new(token, shown["progress"].as_f64()?);
    progress.total = shown["total"].as_f64();
    progress.message = shown["message"].as_str().map(str::to_owned);
    Some(progress)
}

fn rank(level: LoggingLevel) -> u8 {
    match level {
        LoggingLevel::Debug => 0,
        LoggingLevel::Info => 1,
        LoggingLevel::Notice => 2,
        LoggingLevel::Warning => 3,
        LoggingLevel::Error => 4,
        LoggingLevel::Critical => 5,
        LoggingLevel::Alert => 6,
        LoggingLevel::Emergency => 7,
    }
}
