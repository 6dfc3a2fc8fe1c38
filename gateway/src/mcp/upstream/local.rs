//! Servers that the gateway starts itself and speaks to over their standard input and output. The database knows a name; which
//! program that is, the gateway's own settings say, so that nobody who can write to the database can have a program started.

use std::collections::BTreeMap;
use std::io;
use std::path::Path;
use std::pin::Pin;
use std::process::Stdio;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use tokio::io::{AsyncRead, ReadBuf};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};

/// The programs that may be started, by name.
#[derive(Clone, Default)]
pub struct Programs(Arc<BTreeMap<String, Program>>);

/// A program and what it is started with.
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Program {
    /// The program, an absolute path.
    command: String,
    #[serde(default)]
    args: Vec<String>,
    /// Its whole environment but for the credential: nothing of the gateway's own is handed on.
    #[serde(default)]
    environment: BTreeMap<String, String>,
    directory: Option<String>,
    /// Projects whose servers may be this program; all where it is not given.
    projects: Option<Vec<String>>,
}

impl Programs {
    /// Of a file: a JSON object, each member a program.
    pub fn read(file: &Path) -> io::Result<Programs> {
        let text = std::fs::read_to_string(file)?;
        let programs: BTreeMap<String, Program> = serde_json::from_str(&text)
            .map_err(|cause| io::Error::new(io::ErrorKind::InvalidData, format!("local servers: {cause}")))?;
        match programs.iter().find(|(_, program)| !Path::new(&program.command).is_absolute()) {
            Some((name, _)) => Err(io::Error::new(
                io::ErrorKind::InvalidData,
                format!("local server {name}: command is no absolute path"),
            )),
            None => Ok(Programs(Arc::new(programs))),
        }
    }

    /// Starts one for a project, with a variable that holds the credential. It ends when the process is dropped.
    pub fn start(
        &self,
        project: &str,
        name: &str,
        secret: Option<(&str, &SecretString)>,
        most_bytes: usize,
    ) -> io::Result<(Process, Bounded<ChildStdout>, ChildStdin)> {
        let missing = || io::Error::from(io::ErrorKind::NotFound);
        let program = self.0.get(name).filter(|program| program.is_for(project)).ok_or_else(missing)?;
        let mut command = Command::new(&program.command);
        command.args(&program.args).env_clear().envs(&program.environment).kill_on_drop(true).process_group(0);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
        if let Some(directory) = &program.directory {
            command.current_dir(directory);
        }
        if let Some((variable, secret)) = secret {
            command.env(variable, secret.expose_secret());
        }
        let mut child = command.spawn()?;
        let (output, input) = (child.stdout.take().ok_or_else(missing)?, child.stdin.take().ok_or_else(missing)?);
        Ok((Process(child), Bounded { stream: output, most: most_bytes, line: 0 }, input))
    }
}

/// A program that was started, with all that it has started itself and left in its group: dropped, they are killed.
pub struct Process(Child);

impl Drop for Process {
    fn drop(&mut self) {
        // Nobody has waited for it, so its number is nobody else's, even if it has ended.
        if let Some(leader) = self.0.id().and_then(|id| i32::try_from(id).ok()) {
            let _ = killpg(Pid::from_raw(leader), Signal::SIGKILL);
        }
    }
}

impl Program {
    fn is_for(&self, project: &str) -> bool {
        self.projects.as_ref().is_none_or(|projects| projects.iter().any(|one| one == project))
    }
}

/// A stream of lines that breaks off at one that is too long, before it is kept.
pub struct Bounded<S> {
    stream: S,
    most: usize,
    line: usize,
}

impl<S: AsyncRead + Unpin> AsyncRead for Bounded<S> {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, into: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let before = into.filled().len();
        ready!(Pin::new(&mut self.stream).poll_read(cx, into))?;
        let read = into.filled().get(before..).unwrap_or_default();
        self.line = match read.iter().rposition(|byte| *byte == b'\n') {
            // A line that ended within this piece was at most so long before, and the piece is short.
            Some(end) => read.len() - end - 1,
            None => self.line.saturating_add(read.len()),
        };
        if self.line > self.most {
            // What a read that fails has read does not count.
            into.set_filled(before);
            return Poll::Ready(Err(io::Error::from(io::ErrorKind::FileTooLarge)));
        }
        Poll::Ready(Ok(()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::io::AsyncReadExt;

    #[tokio::test]
    async fn a_line_that_is_too_long_breaks_the_stream_and_many_short_ones_do_not() {
        let lines = "twelve bytes\n".repeat(100);
        let mut text = String::new();
        Bounded { stream: lines.as_bytes(), most: 20, line: 0 }.read_to_string(&mut text).await.unwrap();
        assert_eq!(text, lines);
        let long = "x".repeat(10_000);
        let error = Bounded { stream: long.as_bytes(), most: 20, line: 0 }.read_to_string(&mut text).await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::FileTooLarge);
    }

    #[test]
    fn a_program_is_for_the_projects_that_it_names() {
        let program: Program = serde_json::from_str(r#"{"command": "/bin/true", "projects": ["a"]}"#).unwrap();
        assert!(program.is_for("a") && !program.is_for("b"));
        let program: Program = serde_json::from_str(r#"{"command": "/bin/true"}"#).unwrap();
        assert!(program.is_for("b"));
        assert!(serde_json::from_str::<Program>(r#"{"command": "/bin/true", "shell": true}"#).is_err());
    }
}
