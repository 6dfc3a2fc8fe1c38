//! A PostgreSQL server of the test's own: for settings that take a start, for killing, and for roles that other tests
//! must not meet.
//!
//! It runs as the user AWOOOP_TEST_RUN_AS, in a directory below AWOOOP_TEST_STATE. Through its socket, whose directory
//! only that user and root can enter, everybody is trusted; through a free port of the loopback address every login
//! needs its password. Dropping it stops it, by its process id, and deletes it.

use std::fs;
use std::net::{Ipv4Addr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::{Mutex, OnceLock};

use awooop_policy::keyring::Keyring;
use postgres::Config;

use super::answer::eventually;
use super::server::{connect, environment};
use super::tenant::unique;
use super::{Session, contracts, literal};

/// The database with AwoooP in it; the superuser is `postgres`.
pub const DATABASE: &str = "awooop";

/// How to start the server.
pub struct Options {
    /// Loads the library with the server, as an installation should.
    pub preload: bool,
    /// Creates the extension and migrates.
    pub install: bool,
    /// Gives it a keyring of its own.
    pub keyring: bool,
    /// Further lines of postgresql.conf.
    pub settings: String,
}

impl Default for Options {
    fn default() -> Self {
        Self { preload: true, install: true, keyring: true, settings: String::new() }
    }
}

/// The server; stopped and deleted when dropped.
pub struct OwnServer {
    directory: PathBuf,
    port: u16,
}

impl OwnServer {
    /// Makes a server and starts it.
    pub fn start(options: &Options) -> Self {
        let directory = Path::new(&environment("AWOOOP_TEST_STATE")).join(unique("s"));
        let server = Self { port: free_port(), directory };
        shell(&format!(
            "umask 077 && mkdir -p {0} && cp -R {1} {0}/data",
            quote(&server.directory),
            quote(empty_cluster())
        ));
        let library = if options.preload { "shared_preload_libraries = 'pg_awooop'" } else { "" };
        let keyring = if options.keyring {
            server.write_keyring(&Keyring::create("awooop.test").expect("a keyring").reveal());
            format!("awooop.keyring_file = '{}'", server.keyring().display())
        } else {
            String::new()
        };
        let configuration = format!(
            "listen_addresses = '127.0.0.1'\nport = {}\nunix_socket_directories = '{}'\n{library}\n{keyring}\n\
             max_connections = 50\nshared_buffers = 16MB\nfsync = off\nlogging_collector = off\n{}\n",
            server.port,
            server.directory.display(),
            options.settings
        );
        write(&server.data().join("postgresql.auto.conf"), &configuration);
        server.launch();
        server.superuser_in("postgres").run(&format!("create database {DATABASE} encoding 'UTF8' template template0"));
        if options.install {
            server.superuser().run("create extension pg_awooop; select awooop.migrate();");
        }
        server
    }

    /// How the login `role` reaches the database with AwoooP, through the socket.
    pub fn config(&self, role: &str) -> Config {
        let mut config = Config::new();
        config.host_path(&self.directory).port(self.port).user(role).dbname(DATABASE);
        config
    }

    /// The connection URI of a login that has this password, through TCP.
    pub fn uri(&self, role: &str, password: &str) -> String {
        format!("postgresql://{role}:{password}@127.0.0.1:{}/{DATABASE}", self.port)
    }

    pub fn connect(&self, role: &str) -> Session {
        Session::new(connect(&self.config(role)))
    }

    pub fn superuser(&self) -> Session {
        self.superuser_in(DATABASE)
    }

    pub fn superuser_in(&self, database: &str) -> Session {
        Session::new(connect(self.config("postgres").dbname(database)))
    }

    /// A new login bound to a new project in `mode`, with these scopes (comma-separated); its project.
    pub fn tenant(&self, role: &str, mode: &str, scopes: &str) -> String {
        let (project, mut admin) = (unique("p"), self.superuser());
        admin.run(&format!("create role {role} login"));
        admin.run(&format!("select awooop.create_project('{project}', migration_mode => '{mode}')"));
        admin
            .run(&format!("select awooop.bind_role('{role}', '{project}', string_to_array({}, ','))", literal(scopes)));
        // Without a keyring nothing can be published.
        if self.keyring().exists() {
            contracts::add_agent(&mut admin, &project, "agent");
        }
        project
    }

    /// One of PostgreSQL's client programs, about to connect as a superuser through the socket.
    pub fn client_program(&self, name: &str) -> Command {
        let mut command = as_server_user(&program(name));
        command.arg("--host").arg(&self.directory).args(["--port", &self.port.to_string(), "--username=postgres"]);
        command
    }

    /// Where its keyring is.
    pub fn keyring(&self) -> PathBuf {
        self.directory.join("keyring.json")
    }

    /// Writes its keyring, for the server's user alone.
    pub fn write_keyring(&self, text: &str) {
        write(&self.keyring(), text);
        shell(&format!("chmod 600 {}", quote(&self.keyring())));
    }

    /// Its keyring as it is now.
    pub fn read_keyring(&self) -> Keyring {
        let text = shell(&format!("cat {}", quote(&self.keyring()))).stdout;
        Keyring::parse(&String::from_utf8_lossy(&text)).unwrap_or_else(|why| panic!("{why}"))
    }

    /// Runs a shell command as the server's user.
    pub fn shell(&self, script: &str) -> String {
        String::from_utf8_lossy(&shell(script).stdout).into_owned()
    }

    /// What the server has logged.
    pub fn log(&self) -> String {
        String::from_utf8_lossy(&shell(&format!("cat {}", quote(&self.directory.join("log")))).stdout).into_owned()
    }

    /// Stops it as an administrator does.
    pub fn stop(&self) {
        if let Some(pid) = self.pid() {
            signal(pid, "INT");
            eventually("the server's end", || self.pid().is_none());
        }
    }

    /// Kills the server and every backend at once, as a crash of the machine would.
    pub fn kill9(&self) {
        if let Some(pid) = self.pid() {
            // The backends notice that the postmaster is gone and leave; shared memory goes with the last of them.
            signal(pid, "KILL");
            eventually("the server's death", || self.pid().is_none());
        }
    }

    /// Starts it again after [`OwnServer::stop`] or [`OwnServer::kill9`]; or stops and starts it.
    pub fn restart(&self) {
        self.stop();
        self.launch();
    }

    /// Adds lines to the configuration, from the next start or reload on.
    pub fn configure(&self, settings: &str) {
        let path = self.data().join("postgresql.auto.conf");
        let text = String::from_utf8_lossy(&shell(&format!("cat {}", quote(&path))).stdout).into_owned();
        write(&path, &format!("{text}\n{settings}\n"));
    }

    fn data(&self) -> PathBuf {
        self.directory.join("data")
    }

    fn launch(&self) {
        // A killed server's backends may take a moment to leave; until then a start is refused.
        eventually("the server's start", || {
            let mut start = as_server_user(&program("pg_ctl"));
            start.args(["start", "--silent", "--wait", "--timeout=60", "--pgdata"]).arg(self.data());
            start.arg("--log").arg(self.directory.join("log"));
            start.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
            start.status().expect("pg_ctl runs").success()
        });
    }

    /// The postmaster, if it runs.
    fn pid(&self) -> Option<u32> {
        let file = shell_try(&format!("cat {}", quote(&self.data().join("postmaster.pid"))))?;
        let pid: u32 = file.lines().next()?.trim().parse().ok()?;
        // The file outlives a crash, and a zombie nobody.
        let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
        let state = stat.rsplit_once(')')?.1.trim_start().chars().next()?;
        let command = fs::read_to_string(format!("/proc/{pid}/cmdline")).ok()?;
        (state != 'Z' && command.contains("postgres")).then_some(pid)
    }
}

impl Drop for OwnServer {
    fn drop(&mut self) {
        if let Some(pid) = self.pid() {
            signal(pid, "QUIT");
            let _ = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
                eventually("the server's end", || self.pid().is_none());
            }));
        }
        if std::thread::panicking() {
            let log = shell_try(&format!("tail -n 20 {}", quote(&self.directory.join("log"))));
            eprintln!("the server's log ends:\n{}", log.unwrap_or_default());
        }
        let _ = shell_try(&format!("rm -rf {}", quote(&self.directory)));
    }
}

/// A cluster made once by initdb, to copy: making one takes longer than a test should.
fn empty_cluster() -> &'static Path {
    static MADE: OnceLock<PathBuf> = OnceLock::new();
    static MAKING: Mutex<()> = Mutex::new(());
    let _one_at_a_time = MAKING.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
    MADE.get_or_init(|| {
        let path =
            Path::new(&environment("AWOOOP_TEST_STATE")).join(format!("empty-{}", environment("AWOOOP_TEST_PG")));
        let made = unique(&path.display().to_string());
        if shell_try(&format!("test -e {}/PG_VERSION", quote(&path))).is_none() {
            let mut initdb = as_server_user(&program("initdb"));
            initdb.args(["--username=postgres", "--encoding=UTF8", "--locale=C.UTF-8", "--no-sync"]);
            initdb.args(["--auth-local=trust", "--auth-host=scram-sha-256"]);
            let output = initdb.arg("--pgdata").arg(&made).output().expect("initdb runs");
            assert!(output.status.success(), "initdb: {}", String::from_utf8_lossy(&output.stderr));
            // Another process may have been first; its cluster is as good.
            let _ = shell_try(&format!("mv -T {} {} || rm -rf {0}", quote(Path::new(&made)), quote(&path)));
        }
        path
    })
}

fn free_port() -> u16 {
    TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).and_then(|listener| listener.local_addr()).expect("a free port").port()
}

fn program(name: &str) -> PathBuf {
    Path::new(&environment("AWOOOP_TEST_BIN")).join(name)
}

/// A command run as the user that may run servers: PostgreSQL refuses to run as root.
fn as_server_user(program: &Path) -> Command {
    let user = environment("AWOOOP_TEST_RUN_AS");
    let mut command = if user.is_empty() {
        Command::new(program)
    } else {
        let mut command = Command::new("runuser");
        command.args(["-u", &user, "--"]).arg(program);
        command
    };
    command.current_dir("/").env("LC_ALL", "C.UTF-8");
    command
}

pub fn shell(script: &str) -> Output {
    let output = as_server_user(Path::new("/bin/sh")).args(["-c", script]).output().expect("a shell runs");
    assert!(output.status.success(), "{script}: {}", String::from_utf8_lossy(&output.stderr));
    output
}

fn shell_try(script: &str) -> Option<String> {
    let output = as_server_user(Path::new("/bin/sh")).args(["-c", script]).output().ok()?;
    output.status.success().then(|| String::from_utf8_lossy(&output.stdout).into_owned())
}

/// Sends a signal to a process of the server.
pub fn signal(pid: u32, name: &str) {
    shell_try(&format!("kill -{name} {pid}"));
}

fn write(path: &Path, text: &str) {
    let mut child = as_server_user(Path::new("/bin/sh"));
    let child = child.args(["-c", &format!("cat > {}", quote(path))]).stdin(Stdio::piped()).spawn();
    let mut child = child.expect("a shell runs");
    std::io::Write::write_all(&mut child.stdin.take().expect("a pipe"), text.as_bytes()).expect("the file takes it");
    assert!(child.wait().expect("the shell ends").success(), "cannot write {}", path.display());
}

pub fn quote(path: &Path) -> String {
    format!("'{}'", path.display())
}
