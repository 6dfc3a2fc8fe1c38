//! Reads a Dockerfile as far as ours goes. What is not understood is refused, never skipped: a check that passes over
//! a step says nothing about the image.

use anyhow::{Context, Result, bail};

/// One `FROM` and what follows it.
#[derive(Debug, PartialEq, Eq)]
pub struct Stage {
    pub name: String,
    pub image: String,
    pub instructions: Vec<Instruction>,
}

#[derive(Debug, PartialEq, Eq)]
pub enum Instruction {
    Arg {
        name: String,
        value: String,
    },
    Env(Vec<(String, String)>),
    Workdir(String),
    Copy {
        from: Option<String>,
        source: String,
        destination: String,
    },
    Run(String),
    User(String),
    StopSignal(String),
    HealthCheck(String),
    Entrypoint(Vec<String>),
    /// Says something to a container engine that changes nothing inside: EXPOSE, VOLUME.
    Note,
}

/// The stages, in order.
pub fn parse(text: &str) -> Result<Vec<Stage>> {
    let mut stages: Vec<Stage> = Vec::new();
    for (number, line) in logical_lines(text) {
        let (keyword, rest) = line.split_once(char::is_whitespace).unwrap_or((&line, ""));
        let rest = rest.trim();
        let instruction = || format!("Dockerfile line {number}: {keyword}");
        if keyword == "FROM" {
            stages.push(from(rest).with_context(instruction)?);
            continue;
        }
        let Some(stage) = stages.last_mut() else { bail!("{} before the first FROM", instruction()) };
        stage.instructions.push(parse_instruction(keyword, rest).with_context(instruction)?);
    }
    Ok(stages)
}

/// Lines with continuations joined and comments left out, each with the number of its first line.
fn logical_lines(text: &str) -> Vec<(usize, String)> {
    let mut lines: Vec<(usize, String)> = Vec::new();
    let mut continues = false;
    for (index, line) in text.lines().enumerate() {
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let (part, more) = line.strip_suffix('\\').map_or((line, false), |part| (part.trim_end(), true));
        match lines.last_mut() {
            Some((_, joined)) if continues => {
                joined.push(' ');
                joined.push_str(part);
            }
            _ => lines.push((index + 1, part.to_owned())),
        }
        continues = more;
    }
    lines
}

fn from(rest: &str) -> Result<Stage> {
    let words: Vec<&str> = rest.split_whitespace().collect();
    let [image, "AS", name] = words[..] else { bail!("expected `FROM image AS name`") };
    Ok(Stage { name: name.to_owned(), image: image.to_owned(), instructions: Vec::new() })
}

fn parse_instruction(keyword: &str, rest: &str) -> Result<Instruction> {
    let plain = || -> Result<String> {
        if rest.contains('$') {
            bail!("variables are understood in RUN alone");
        }
        Ok(rest.to_owned())
    };
    Ok(match keyword {
        "ARG" => {
            let (name, value) = rest.split_once('=').context("expected a default value")?;
            Instruction::Arg { name: name.to_owned(), value: value.to_owned() }
        }
        "ENV" => Instruction::Env(assignments(&plain()?)?),
        "WORKDIR" => Instruction::Workdir(plain()?),
        "COPY" => copy(&plain()?)?,
        "RUN" if rest.starts_with('[') => bail!("only the shell form is understood"),
        "RUN" => Instruction::Run(rest.to_owned()),
        "USER" => Instruction::User(plain()?),
        "STOPSIGNAL" => Instruction::StopSignal(plain()?),
        "HEALTHCHECK" => {
            let (_options, command) = rest.split_once("CMD ").context("expected CMD and a command")?;
            Instruction::HealthCheck(command.to_owned())
        }
        "ENTRYPOINT" => Instruction::Entrypoint(
            serde_json::from_str(rest).context("only the form with a JSON array is understood")?,
        ),
        "EXPOSE" | "VOLUME" => Instruction::Note,
        _ => bail!("this instruction is not understood"),
    })
}

fn copy(rest: &str) -> Result<Instruction> {
    let mut words: Vec<&str> = rest.split_whitespace().collect();
    let from = match words.first().and_then(|word| word.strip_prefix("--from=")) {
        Some(stage) => {
            words.remove(0);
            Some(stage.to_owned())
        }
        None => None,
    };
    let [source, destination] = words[..] else { bail!("expected one source and one destination") };
    if source.starts_with("--") {
        bail!("the option {source} is not understood");
    }
    Ok(Instruction::Copy { from, source: source.to_owned(), destination: destination.to_owned() })
}

/// `A=1 B="2 3"`.
fn assignments(text: &str) -> Result<Vec<(String, String)>> {
    let mut found = Vec::new();
    let mut rest = text.trim();
    while !rest.is_empty() {
        let (name, after) = rest.split_once('=').context("expected name=value")?;
        let (value, remaining) = match after.strip_prefix('"') {
            Some(quoted) => quoted.split_once('"').context("a quotation mark is open")?,
            None => after.split_once(char::is_whitespace).unwrap_or((after, "")),
        };
        found.push((name.to_owned(), value.to_owned()));
        rest = remaining.trim_start();
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stages_have_their_instructions_in_order() {
        let stages = parse(
            "# comment\nFROM rust:1 AS build\nARG V=1\nRUN one \\\n    # inside\n    && two\n\
             FROM debian AS server\nCOPY --from=build /out/ /\nENV A=1 B=\"2 3\"\nUSER postgres\nENTRYPOINT [\"a\", \"b\"]\n",
        )
        .unwrap();
        let text = str::to_owned;
        assert_eq!(stages[0].image, "rust:1");
        assert_eq!(
            stages[0].instructions,
            [Instruction::Arg { name: text("V"), value: text("1") }, Instruction::Run(text("one && two"))]
        );
        assert_eq!(
            stages[1].instructions,
            [
                Instruction::Copy { from: Some(text("build")), source: text("/out/"), destination: text("/") },
                Instruction::Env(vec![(text("A"), text("1")), (text("B"), text("2 3"))]),
                Instruction::User(text("postgres")),
                Instruction::Entrypoint(vec![text("a"), text("b")]),
            ]
        );
    }

    #[test]
    fn what_is_not_understood_is_refused() {
        for text in [
            "RUN before from",
            "FROM a",
            "FROM a AS b\nONBUILD RUN x",
            "FROM a AS b\nRUN [\"x\"]",
            "FROM a AS b\nCOPY --chown=x a b",
            "FROM a AS b\nCOPY a b c",
            "FROM a AS b\nENV PATH=$PATH:/x",
        ] {
            assert!(parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn our_own_dockerfile_is_understood_and_has_both_targets() {
        let stages = parse(include_str!("../../../Dockerfile")).unwrap();
        let names: Vec<&str> = stages.iter().map(|stage| stage.name.as_str()).collect();
        assert_eq!(names, ["build", "server", "gateway"]);
    }
}
