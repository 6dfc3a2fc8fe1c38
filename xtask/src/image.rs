//! `cargo xtask image-check`: carries out the Dockerfile without a container engine, in Debian systems in directories,
//! then starts both images and uses them. Needs root; leaves nothing behind.

mod apt;
mod chroot;
mod dockerfile;
mod running;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail, ensure};
use nix::unistd::Uid;

use self::chroot::Chroot;
use self::dockerfile::{Instruction, Stage};
use self::running::Running;
use crate::gateway::status_of;
use crate::interrupt::Cleanup;
use crate::place::{Place, random_password};
use crate::progress::Steps;
use crate::server::free_port;
use crate::{program, toolchain};

/// A stage that was carried out, with what its last instructions say about running it.
struct Image {
    chroot: Chroot,
    entrypoint: Vec<String>,
    health_check: Option<String>,
    stop_signal: String,
}

pub fn run(place: &Place) -> Result<()> {
    ensure!(Uid::effective().is_root(), "image-check makes chroots: run it as root");
    let stages = dockerfile::parse(&fs::read_to_string(place.checkout.join("Dockerfile"))?)?;
    let directory = place.state.join("image");
    remove(&directory)?;
    let leftover = directory.clone();
    let _cleanup = Cleanup::new(move || {
        if let Err(error) = remove(&leftover) {
            eprintln!("error: {error:#}");
        }
    });
    fs::create_dir_all(&directory)?;

    let instructions: usize = stages.iter().map(|stage| stage.instructions.iter().filter(|i| is_work(i)).count()).sum();
    let mut steps = Steps::new(instructions + stages.len() + 3);
    let base = steps.step("a minimal Debian (about 1 minute)", || {
        toolchain::install_packages(&["debootstrap"])?;
        Chroot::bootstrap(&directory.join("base"))
    })?;
    let mut images = BTreeMap::new();
    for stage in &stages {
        let image = build(place, &base, stage, &images, &mut steps)?;
        images.insert(stage.name.clone(), image);
    }
    let (Some(server), Some(gateway)) = (images.get("server"), images.get("gateway")) else {
        bail!("the Dockerfile has no targets `server` and `gateway`");
    };
    use_both(server, gateway, &directory, &mut steps)?;
    for name in ["server", "gateway"] {
        println!("{name}: built and used, {} MB", megabytes(&directory.join(name))?);
    }
    Ok(())
}

fn is_work(instruction: &Instruction) -> bool {
    matches!(instruction, Instruction::Run(_) | Instruction::Copy { .. })
}

fn build(
    place: &Place,
    base: &Chroot,
    stage: &Stage,
    images: &BTreeMap<String, Image>,
    steps: &mut Steps,
) -> Result<Image> {
    let root = base.root.with_file_name(&stage.name);
    let chroot = steps.step(&format!("{}: FROM {}", stage.name, stage.image), || start_from(&stage.image, base, &root));
    let mut image =
        Image { chroot: chroot?, entrypoint: Vec::new(), health_check: None, stop_signal: "SIGTERM".to_owned() };
    for instruction in &stage.instructions {
        let chroot = &mut image.chroot;
        match instruction {
            Instruction::Arg { name, value } => chroot.set(name, value),
            Instruction::Env(variables) => variables.iter().for_each(|(name, value)| chroot.set(name, value)),
            Instruction::Workdir(directory) => {
                chroot.directory.clone_from(directory);
                fs::create_dir_all(chroot.root.join(directory.trim_start_matches('/')))?;
            }
            Instruction::User(user) => chroot.user.clone_from(user),
            Instruction::Entrypoint(words) => image.entrypoint.clone_from(words),
            Instruction::HealthCheck(command) => image.health_check = Some(command.clone()),
            Instruction::StopSignal(signal) => image.stop_signal.clone_from(signal),
            Instruction::Note => {}
            Instruction::Run(script) => {
                steps.step(&format!("{}: RUN {script}", stage.name), || program::run(&mut chroot.command(script)))?;
            }
            Instruction::Copy { from, source, destination } => {
                steps.step(&format!("{}: COPY {source} {destination}", stage.name), || match from {
                    None => chroot.bring(&place.checkout.join(source), destination, &ignored(&place.checkout)?),
                    Some(name) => {
                        let other = images.get(name).with_context(|| format!("there is no stage {name}"))?;
                        chroot.bring(&other.chroot.root.join(source.trim_start_matches('/')), destination, &[])
                    }
                })?;
            }
        }
    }
    Ok(image)
}

/// What an image of that name has in it, made from Debian.
fn start_from(image: &str, base: &Chroot, root: &Path) -> Result<Chroot> {
    let mut chroot = Chroot::copy(base, root)?;
    match image.split_once(':') {
        Some(("debian", "bookworm-slim")) => {}
        Some(("rust", tag)) => {
            let version = tag.strip_suffix("-bookworm").context("expected rust:VERSION-bookworm")?;
            let host = program::capture(std::process::Command::new("rustc").arg("--version"))?;
            ensure!(
                host.strip_prefix("rustc ").is_some_and(|rest| rest.starts_with(version)),
                "the image has Rust {version}, and this machine {host}"
            );
            chroot.add_rust()?;
        }
        _ => bail!("it is not known what is in the image {image}"),
    }
    Ok(chroot)
}

/// The names at the root of the context that .dockerignore leaves out.
fn ignored(checkout: &Path) -> Result<Vec<String>> {
    let text = fs::read_to_string(checkout.join(".dockerignore"))?;
    let names: Vec<String> = text.lines().filter(|line| !line.is_empty()).map(str::to_owned).collect();
    ensure!(names.iter().all(|name| !name.contains(['*', '!', '/', '#'])), ".dockerignore: only names are understood");
    Ok(names)
}

fn use_both(server: &Image, gateway: &Image, directory: &Path, steps: &mut Steps) -> Result<()> {
    let (port, gateway_port) = (free_port()?, free_port()?);
    let password = random_password()?;
    let settings = [
        ("AWOOOP_SUPERUSER_PASSWORD", random_password()?),
        ("AWOOOP_GATEWAY_PASSWORD", password.clone()),
        ("PGPORT", port.to_string()),
    ];
    let log = directory.join("server.log");
    steps.step("the server makes its cluster, stops, and starts again on it", || {
        let first = start(server, &settings, &log)?;
        wait_until_healthy(server, &settings, &first)?;
        first.stop(&server.stop_signal)
    })?;
    let running = start(server, &settings, &log)?;
    steps.step("the gateway says what it can do, and serves", || {
        wait_until_healthy(server, &settings, &running)?;
        let help = program::capture(&mut gateway.chroot.arguments(&[&gateway.entrypoint[0], "--help"]))?;
        ensure!(help.contains("AWOOOP_DATABASE_URL"), "the gateway's --help does not name its settings");
        let url = format!("postgres://awooop_gateway:{password}@127.0.0.1:{port}/awooop");
        let settings = [("AWOOOP_DATABASE_URL", url), ("AWOOOP_LISTEN", format!("127.0.0.1:{gateway_port}"))];
        let serving = start(gateway, &settings, &directory.join("gateway.log"))?;
        for path in ["/readyz", "/healthz", "/openapi.json", "/docs", "/metrics"] {
            serving.wait_until(|| status_of(gateway_port, path).is_ok_and(|status| (200..400).contains(&status)))?;
            println!("gateway: GET {path} is answered");
        }
        serving.stop(&gateway.stop_signal)
    })?;
    running.stop(&server.stop_signal)
}

fn start(image: &Image, settings: &[(&str, String)], log: &Path) -> Result<Running> {
    let words: Vec<&str> = image.entrypoint.iter().map(String::as_str).collect();
    ensure!(!words.is_empty(), "the image has no ENTRYPOINT");
    Running::start(&mut with(&image.chroot, settings).arguments(&words), log)
}

fn wait_until_healthy(image: &Image, settings: &[(&str, String)], running: &Running) -> Result<()> {
    let check = image.health_check.as_deref().context("the image has no HEALTHCHECK")?;
    let chroot = with(&image.chroot, settings);
    running.wait_until(|| program::capture(&mut chroot.command(check)).is_ok())?;
    let query = "psql --no-psqlrc -At --dbname=awooop --command='select awooop.health()'";
    println!("server: {}", program::capture(&mut chroot.command(query))?);
    Ok(())
}

/// The chroot with what `docker run --env` would add.
fn with(chroot: &Chroot, settings: &[(&str, String)]) -> Chroot {
    let mut chroot = chroot.clone();
    settings.iter().for_each(|(name, value)| chroot.set(name, value));
    chroot
}

fn megabytes(root: &Path) -> Result<String> {
    let output = program::capture(std::process::Command::new("du").args(["-sm", "--one-file-system"]).arg(root))?;
    Ok(output.split_whitespace().next().unwrap_or_default().to_owned())
}

fn remove(directory: &PathBuf) -> Result<()> {
    if directory.exists() {
        program::run(std::process::Command::new("rm").args(["-rf", "--one-file-system"]).arg(directory))?;
    }
    Ok(())
}
