//! Running other programs: in a process group of their own (so that one signal ends a whole cargo with its compilers),
//! known to `interrupt`, with their output where it belongs. Standard output is for answers, such as a URI: what a
//! program reports on the way goes to standard error.

use std::fs::File;
use std::io::{BufRead, BufReader, Write};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use crate::interrupt;

/// A cargo command in the checkout, without what the surrounding `cargo run` put into the environment: build scripts
/// track some of it, and would run again for every other command.
pub fn cargo(checkout: &Path) -> Command {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(cargo);
    command.current_dir(checkout);
    without_cargo_variables(&mut command);
    command
}

pub fn without_cargo_variables(command: &mut Command) {
    for (name, _) in std::env::vars_os() {
        let text = name.to_string_lossy();
        if text.starts_with("CARGO_PKG_") || text.starts_with("CARGO_MANIFEST_") || text == "CARGO_BIN_NAME" {
            command.env_remove(&name);
        }
    }
}

/// Runs to the end with all output on standard error.
pub fn run(command: &mut Command) -> Result<()> {
    command.stdin(Stdio::null()).stdout(Stdio::from(std::io::stderr()));
    let status = wait(spawn(command)?, command)?;
    if !status.success() {
        bail!("`{}` failed: {status}", line(command));
    }
    Ok(())
}

/// Runs to the end with all output in a file, whose end is part of the error.
pub fn run_logged(command: &mut Command, log: &Path) -> Result<()> {
    let file = File::create(log).with_context(|| format!("cannot write {}", log.display()))?;
    command.stdin(Stdio::null()).stdout(file.try_clone()?).stderr(file);
    let status = wait(spawn(command)?, command)?;
    if !status.success() {
        bail!("`{}` failed: {status}\n{}\n(all of it: {})", line(command), tail(log, 30), log.display());
    }
    Ok(())
}

/// Runs to the end and gives the standard output.
pub fn capture(command: &mut Command) -> Result<String> {
    let output = output(command)?;
    if !output.status.success() {
        let errors = String::from_utf8_lossy(&output.stderr);
        bail!("`{}` failed: {}\n{}", line(command), output.status, errors.trim_end());
    }
    Ok(String::from_utf8_lossy(&output.stdout).trim_end().to_owned())
}

/// Runs to the end and gives both outputs and the status.
pub fn output(command: &mut Command) -> Result<Output> {
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let child = spawn(command)?;
    let tracked = interrupt::Child::track(child.id());
    let output = child.wait_with_output().with_context(|| format!("cannot wait for `{}`", line(command)))?;
    drop(tracked);
    interrupt::checkpoint();
    Ok(output)
}

/// Like [`capture`], with `input` on the program's standard input.
pub fn capture_with_input(command: &mut Command, input: &str) -> Result<String> {
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = spawn(command)?;
    let tracked = interrupt::Child::track(child.id());
    let mut stdin = child.stdin.take().context("the program has no standard input")?;
    let text = input.to_owned();
    // A thread of its own: with both pipes full, writing here and reading below would wait for each other.
    let writer = std::thread::spawn(move || stdin.write_all(text.as_bytes()));
    let output = child.wait_with_output().with_context(|| format!("cannot wait for `{}`", line(command)))?;
    let _ = writer.join();
    drop(tracked);
    interrupt::checkpoint();
    if !output.status.success() {
        let errors = String::from_utf8_lossy(&output.stderr);
        bail!("`{}` failed: {}\n{}", line(command), output.status, errors.trim_end());
    }
    Ok(String::from_utf8_lossy(&output.stdout).trim_end().to_owned())
}

/// Runs to the end, hands every line of standard output to `each`, and gives the status. A program that prints nothing for
/// as long as `patience` hangs: it is ended, and that is an error.
///
/// The end is the program's, not its output's: a process that it left behind holds the output open.
pub fn each_line(command: &mut Command, patience: Duration, mut each: impl FnMut(&str)) -> Result<ExitStatus> {
    command.stdin(Stdio::null()).stdout(Stdio::piped());
    let mut child = spawn(command)?;
    let tracked = interrupt::Child::track(child.id());
    let stdout = child.stdout.take().context("the program has no standard output")?;
    let (sender, lines) = channel();
    std::thread::spawn(move || {
        let mut reader = BufReader::new(stdout);
        let mut bytes = Vec::new();
        while reader.read_until(b'\n', &mut bytes).is_ok_and(|length| length > 0) {
            let text = String::from_utf8_lossy(&bytes).trim_end_matches('\n').to_owned();
            if sender.send(text).is_err() {
                return;
            }
            bytes.clear();
        }
    });
    let (mut ended, mut heard) = (None, Instant::now());
    let status = loop {
        match (lines.recv_timeout(Duration::from_millis(200)), ended) {
            (Ok(text), _) => {
                each(&text);
                heard = Instant::now();
            }
            // Nothing came for a while although the program has ended: what is left is not its output.
            (Err(_), Some(status)) => break status,
            (Err(RecvTimeoutError::Timeout), None) if heard.elapsed() > patience => {
                tracked.kill();
                child.wait()?;
                bail!("`{}` printed nothing for {} seconds, and was ended", line(command), patience.as_secs());
            }
            (Err(RecvTimeoutError::Timeout), None) => ended = child.try_wait()?,
            (Err(RecvTimeoutError::Disconnected), None) => break child.wait()?,
        }
    };
    drop(tracked);
    interrupt::checkpoint();
    Ok(status)
}

/// Runs a program that may ask the person at the terminal something, such as a password.
pub fn run_interactive(command: &mut Command) -> Result<()> {
    interrupt::checkpoint();
    command.stdout(Stdio::from(std::io::stderr()));
    let status = command.status().with_context(|| format!("cannot start `{}`", line(command)))?;
    if !status.success() {
        bail!("`{}` failed: {status}", line(command));
    }
    Ok(())
}

/// Starts a program that outlives this one.
pub fn start_in_background(command: &mut Command, log: &Path) -> Result<Child> {
    let file = File::create(log).with_context(|| format!("cannot write {}", log.display()))?;
    command.stdin(Stdio::null()).stdout(file.try_clone()?).stderr(file);
    spawn(command)
}

/// Whether a program can be found through PATH.
pub fn on_path(name: &str) -> bool {
    std::env::var_os("PATH").is_some_and(|path| std::env::split_paths(&path).any(|dir| dir.join(name).is_file()))
}

/// The last lines of a log file.
pub fn tail(log: &Path, lines: usize) -> String {
    let text = std::fs::read(log).map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).unwrap_or_default();
    let all: Vec<&str> = text.lines().collect();
    all[all.len().saturating_sub(lines)..].join("\n")
}

/// The command as a person would type it, for messages.
pub fn line(command: &Command) -> String {
    let mut words = vec![command.get_program().to_string_lossy().into_owned()];
    words.extend(command.get_args().map(|arg| arg.to_string_lossy().into_owned()));
    words.join(" ")
}

fn spawn(command: &mut Command) -> Result<Child> {
    interrupt::checkpoint();
    command.process_group(0);
    command.spawn().with_context(|| format!("cannot start `{}`", line(command)))
}

fn wait(mut child: Child, command: &Command) -> Result<ExitStatus> {
    let tracked = interrupt::Child::track(child.id());
    let status = child.wait().with_context(|| format!("cannot wait for `{}`", line(command)))?;
    drop(tracked);
    interrupt::checkpoint();
    Ok(status)
}

#[cfg(test)]
mod tests {
    use super::*;

    const A_MINUTE: Duration = Duration::from_secs(60);

    #[test]
    fn a_failing_program_is_reported_with_what_it_said() {
        let error = capture(Command::new("sh").args(["-c", "echo broken >&2; exit 3"])).unwrap_err().to_string();
        assert!(error.contains("broken") && error.contains("exit status: 3"), "{error}");
    }

    #[test]
    fn input_larger_than_a_pipe_goes_through() {
        let input = "x".repeat(1 << 20);
        assert_eq!(capture_with_input(&mut Command::new("cat"), &input).unwrap().len(), input.len());
    }

    #[test]
    fn lines_arrive_one_by_one() {
        let mut lines = Vec::new();
        each_line(Command::new("printf").arg("one\\ntwo"), A_MINUTE, |line| lines.push(line.to_owned())).unwrap();
        assert_eq!(lines, ["one", "two"]);
    }

    #[test]
    fn a_process_left_behind_does_not_hold_up_the_end() {
        let started = Instant::now();
        each_line(Command::new("sh").args(["-c", "sleep 20 & echo done"]), A_MINUTE, |_| {}).unwrap();
        assert!(started.elapsed() < Duration::from_secs(10));
    }

    #[test]
    fn a_program_that_says_nothing_any_more_is_ended() {
        let (started, mut said) = (Instant::now(), String::new());
        let program = &mut Command::new("sh");
        let failed =
            each_line(program.args(["-c", "echo begun; sleep 60"]), Duration::from_secs(1), |line| said.push_str(line));
        let why = failed.expect_err("it hangs").to_string();
        assert!(why.contains("printed nothing for 1 seconds"), "{why}");
        assert_eq!(said, "begun");
        assert!(started.elapsed() < Duration::from_secs(30));
    }
}
