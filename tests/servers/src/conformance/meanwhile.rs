//! Tools that say something while they run: log lines and progress go to the client before the result does. The pauses
//! between them are the suite's: it wants to see that each message is sent by itself.

use std::time::Duration;

use rmcp::RoleServer;
use rmcp::model::{LoggingLevel, LoggingMessageNotificationParam, ProgressNotificationParam, ProtocolVersion, Tool};
use rmcp::service::RequestContext;
use serde_json::json;
use tokio::time::sleep;

use crate::speak::{self, Outcome, nothing, tool};

const PAUSE: Duration = Duration::from_millis(50);

/// The tools of this module.
pub fn tools() -> Vec<Tool> {
    vec![
        tool("test_tool_with_logging", "Logs three lines while it runs", nothing()),
        tool("test_logging_tool", "Logs a line, if the request wants log lines", nothing()),
        tool("test_tool_with_progress", "Tells its progress three times", nothing()),
        tool("test_reconnection", "Takes a moment", nothing()),
    ]
}

/// What a call comes to, if the tool is of this module.
pub async fn call(name: &str, level: LoggingLevel, context: &RequestContext<RoleServer>) -> Option<Outcome> {
    Some(match name {
        "test_tool_with_logging" => {
            for (place, line) in
                ["Tool execution started", "Tool processing data", "Tool execution completed"].into_iter().enumerate()
            {
                if place > 0 {
                    sleep(PAUSE).await;
                }
                log(line, level, context).await;
            }
            speak::text("Logged three lines.")
        }
        "test_logging_tool" => {
            log("The request wants log lines", level, context).await;
            speak::text("Logged, if that was wanted.")
        }
        "test_tool_with_progress" => {
            for (place, (progress, message)) in
                [(0.0, "Begun"), (50.0, "Half done"), (100.0, "Done")].into_iter().enumerate()
            {
                if place > 0 {
                    sleep(PAUSE).await;
                }
                tell_progress(progress, message, context).await;
            }
            speak::text("Told its progress three times.")
        }
        "test_reconnection" => {
            sleep(2 * PAUSE).await;
            speak::text("Took a moment.")
        }
        _ => return None,
    })
}

/// Tells how far a call has come, if whoever made it wants to know.
pub async fn tell_progress(progress: f64, message: impl Into<String>, context: &RequestContext<RoleServer>) {
    let Some(token) = context.meta.get_progress_token() else { return };
    let progress = ProgressNotificationParam::new(token, progress).with_total(100.0).with_message(message);
    // Nobody is there any more to be told: the result will find that out.
    context.peer.notify_progress(progress).await.ok();
}

/// Logs a line to the client, at the level info. With sessions the level is set for the session; a stateless request says
/// for itself whether it wants lines at all.
pub async fn log(line: &str, session: LoggingLevel, context: &RequestContext<RoleServer>) {
    let stateless = context.protocol_version().is_some_and(|version| version >= ProtocolVersion::V_2026_07_28);
    let wanted = if stateless { context.meta.log_level() } else { Some(session) };
    if !matches!(wanted, Some(LoggingLevel::Debug | LoggingLevel::Info)) {
        return;
    }
    let message =
        LoggingMessageNotificationParam::new(LoggingLevel::Info, json!(line)).with_logger("conformance-server");
    context.peer.notify_logging_message(message).await.ok();
}
