//! gtd where next to nothing is: without an environment, in an empty root, on an old kernel. The program that the others test too,
//! or the one that `GTD_STATIC` names: `make check-static` names the static one.

use crate::support::program::{GTD, bare};
use crate::support::{Gtd, Ran, Town, process};
use serde_json::json;
use std::ffi::OsString;
use std::fs;
use std::io::Write;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Command;

fn gtd() -> PathBuf {
    std::env::var_os("GTD_STATIC").unwrap_or_else(|| OsString::from(GTD)).into()
}

/// What is skipped is said past the test harness, which keeps output for itself.
fn skipped(why: &str) {
    let name = std::thread::current().name().unwrap_or("a test").to_owned();
    let _ = std::io::stderr().write_all(format!("\n*** SKIPPED {name}: {why}\n").as_bytes());
}

#[test]
fn without_an_environment_gtd_finds_tmux_and_the_town_that_is_named() {
    let mut town = Town::new(&["alpha"]);
    let socket = town.sockets.join("s");
    town.configure(json!({"gtd": {"tmux_socket": socket.to_str()}}));
    let mut command = bare(gtd());
    command.args(["--dry-run", "--town"]).arg(&town.root).current_dir("/");
    let ran = Ran::of(command).exits(0);
    assert_eq!(ran.stdout.matches("no session (rule 4)").count(), 2, "{ran}");
    assert_eq!(ran.stderr, "");
}

/// The calls that open something, of gtd and of no child, while it does what is asked.
fn opened(town: &Town, args: &[&str]) -> Option<String> {
    let file = town.notes.join("strace");
    let mut command = town.command("/usr/bin/env");
    command.args(["strace", "-e", "trace=open,openat,socket,connect", "-o"]).arg(&file).arg(gtd()).args(args);
    command.env("LANG", "de_DE.UTF-8").env("LC_ALL", "de_DE.UTF-8").env("LANGUAGE", "de");
    command.stdin(std::process::Stdio::null());
    let output = command.output().ok().filter(|output| output.status.success());
    output.and_then(|_| fs::read_to_string(&file).ok())
}

#[test]
fn gtd_asks_no_name_service_and_reads_no_locale() {
    let town = Town::new(&["alpha"]);
    let (Some(once), Some(help)) = (opened(&town, &["--once"]), opened(&town, &["--help"])) else {
        skipped("there is no strace here, or it may not trace; tests/need strace");
        return;
    };
    assert!(once.contains("mayor/rigs.json"), "{once}");
    for calls in [&once, &help] {
        for wrong in ["nsswitch", "libnss", "nscd", "resolv.conf", "locale", "gconv", "AF_INET"] {
            assert!(!calls.contains(wrong), "{wrong}:\n{calls}");
        }
        // Who gtd runs for is in a file; whatever else stands in /etc belongs to the dynamic linker or tells the time.
        let known = ["/etc/passwd", "/etc/localtime", "/etc/ld.so"];
        let others = calls.lines().filter(|line| line.contains("\"/etc/") && !known.iter().any(|k| line.contains(k)));
        assert_eq!(others.collect::<Vec<_>>(), [""; 0]);
    }
    if std::env::var_os("GTD_STATIC").is_some() {
        assert!(!help.contains(".so"), "nothing is loaded:\n{help}");
    }
}

/// A root in which there is gtd and what it is linked with, a town, and nothing else.
struct Root {
    town: Town,
    dir: PathBuf,
}

impl Root {
    fn new() -> Root {
        let town = Town::new(&["alpha"]);
        let dir = town.notes.join("root");
        fs::create_dir_all(dir.join("tmp")).expect("made");
        for (name, text) in [
            ("town.json", "{}"),
            ("rigs.json", "{\"rigs\": {}}"),
            ("daemon.json", "{\"gtd\": {\"gastown\": \"seed\"}}"),
        ] {
            fs::create_dir_all(dir.join("town/mayor")).expect("made");
            fs::write(dir.join("town/mayor").join(name), text).expect("written");
        }
        fs::create_dir_all(dir.join("town/deacon")).expect("made");
        let root = Root { town, dir };
        root.copy(&gtd(), "gtd");
        root
    }

    /// Copies a program with the libraries that it is linked with.
    fn copy(&self, program: &Path, to: &str) {
        let mut command = self.town.command("/usr/bin/env");
        command.arg("ldd").arg(program);
        // It fails where there are none.
        let libraries = Ran::of(command).stdout;
        let libraries = libraries.split_whitespace().filter(|word| word.starts_with('/') && !word.ends_with(':'));
        let put = |from: &Path, to: &str| {
            let to = self.dir.join(to.trim_start_matches('/'));
            fs::create_dir_all(to.parent().expect("a directory")).expect("made");
            // By another program: a child that another test starts meanwhile would hold the file open for writing.
            let mut command = self.town.command("/bin/cp");
            command.arg("-L").arg(from).arg(to);
            Ran::of(command).exits(0);
        };
        libraries.for_each(|library| put(Path::new(library), library));
        put(program, to);
    }

    /// gtd in it, without an environment but for what marks it as this test's.
    fn gtd(&self, args: &[&str]) -> Command {
        // SAFETY: getuid(2) reads nothing.
        let is_root = unsafe { libc::getuid() } == 0;
        let (tool, flags): (&str, &[&str]) =
            if is_root { ("/usr/sbin/chroot", &[]) } else { ("/usr/bin/unshare", &["--map-root-user", "--root"]) };
        let mut command = bare(tool);
        command
            .args(flags)
            .arg(&self.dir)
            .arg("/gtd")
            .args(args)
            .env("GTD_TEST", self.town.root.parent().expect("a directory"));
        command
    }

    /// Whether this may be done here.
    fn works(&self) -> bool {
        let works = self.gtd(&["--version"]).output().is_ok_and(|output| output.status.success());
        if !works {
            skipped("another root cannot be entered here: be root, or allow user namespaces");
        }
        works
    }

    fn run(&self, args: &[&str]) -> Ran {
        Ran::of(self.gtd(args))
    }
}

#[test]
fn in_an_empty_root_gtd_works_or_says_what_is_missing() {
    let root = Root::new();
    if !root.works() {
        return;
    }
    for args in
        [&["--help"][..], &["--print", "man"], &["--print", "config"], &["--print", "cron", "--program", "/gtd"]]
    {
        assert_eq!(root.run(args).exits(0).stderr, "", "{args:?}");
    }
    assert!(root.run(&[]).refused(1).contains("name one with --town DIR"));
    assert!(root.run(&["--print", "cron"]).refused(1).contains("Is /proc mounted?"));
    assert!(root.run(&["--town", "/town", "--once"]).refused(1).contains("no tmux in PATH or the usual places"));
    assert!(root.run(&["--town", "/town", "--status"]).exits(3).stdout.contains("no gtd has served this town yet"));
    let check = root.run(&["--town", "/town", "--check", "--json"]).exits(1);
    let check: serde_json::Value = serde_json::from_str(&check.stdout).expect("JSON");
    let found = |piece: &str| {
        let checks = check["checks"].as_array().expect("findings");
        checks.iter().any(|check| check["found"].as_str().is_some_and(|found| found.contains(piece)))
    };
    for piece in ["/proc cannot be read", "there is no /dev/null", "not found in PATH"] {
        assert!(found(piece), "{piece}: {check:#}");
    }
}

#[test]
fn in_an_empty_root_with_tmux_gtd_does_its_heartbeats() {
    let root = Root::new();
    let tmux = ["/usr/bin/tmux", "/usr/local/bin/tmux", "/bin/tmux"].iter().find(|path| Path::new(path).exists());
    let Some(tmux) = tmux.filter(|_| root.works()) else { return };
    root.copy(Path::new(tmux), "usr/bin/tmux");
    let dry = ["--town", "/town", "--dry-run"];
    let without = root.run(&dry).exits(0);
    let said = without.stdout.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(said.contains("tmux list-panes: cannot be run: there is no /dev/null"), "{without}");
    fs::create_dir(root.dir.join("dev")).expect("made");
    fs::write(root.dir.join("dev/null"), "").expect("written");
    // A tmux that is linked with glibc has no letters without.
    let locale = "usr/lib/locale/C.utf8";
    if let Ok(files) = fs::read_dir(Path::new("/").join(locale)) {
        fs::create_dir_all(root.dir.join(locale)).expect("made");
        for file in files.filter_map(Result::ok).filter(|file| file.path().is_file()) {
            fs::copy(file.path(), root.dir.join(locale).join(file.file_name())).expect("copied");
        }
    }
    let ran = root.run(&dry).exits(0);
    if ran.stdout.contains("UTF-8 locale") {
        skipped("tmux does not run without the system's locales");
        return;
    }
    assert!(ran.stdout.contains("deacon  start  no session (rule 4)"), "{ran}");
    // There is no terminal to be had, and no shell: the start fails, and gtd goes on.
    root.run(&["--town", "/town", "--once"]).exits(0);
    let log = fs::read_to_string(root.dir.join("town/daemon/daemon.log")).expect("a log");
    assert!(
        log.contains("Error starting Deacon: tmux new-session: ") && log.contains("Heartbeat complete (#1)"),
        "{log}"
    );
}

/// Takes the calls for descriptors of processes away, as on Linux before 5.1, from a command and all that it starts.
fn without_process_descriptors(command: &mut Command) {
    const ALLOW: u32 = libc::SECCOMP_RET_ALLOW;
    const REFUSE: u32 = libc::SECCOMP_RET_ERRNO | libc::ENOSYS as u32;
    let word = |code: u32, jt: u8, jf: u8, k: u32| libc::sock_filter { code: code as u16, jt, jf, k };
    let equal = libc::BPF_JMP | libc::BPF_JEQ | libc::BPF_K;
    // The number of the call is the first word of what a filter is shown.
    let filter = [
        word(libc::BPF_LD | libc::BPF_W | libc::BPF_ABS, 0, 0, 0),
        word(equal, 2, 0, libc::SYS_pidfd_open as u32),
        word(equal, 1, 0, libc::SYS_pidfd_send_signal as u32),
        word(libc::BPF_RET | libc::BPF_K, 0, 0, ALLOW),
        word(libc::BPF_RET | libc::BPF_K, 0, 0, REFUSE),
    ];
    let refuse = move || {
        let program = libc::sock_fprog { len: filter.len() as u16, filter: filter.as_ptr().cast_mut() };
        // SAFETY: two system calls; the second reads the filter, which outlives it.
        let set = unsafe {
            libc::prctl(libc::PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0
                && libc::prctl(libc::PR_SET_SECCOMP, libc::SECCOMP_MODE_FILTER, &raw const program) == 0
        };
        if set { Ok(()) } else { Err(std::io::Error::last_os_error()) }
    };
    // SAFETY: the closure makes system calls, and allocates nothing.
    unsafe { command.pre_exec(refuse) };
}

#[test]
fn on_a_kernel_without_process_descriptors_the_next_look_misses_who_has_ended() {
    let town = Town::new(&["alpha"]);
    let mut command = town.command(gtd());
    without_process_descriptors(&mut command);
    let gtd = Gtd::start(command);
    let deacon = town.wait_for_agent("deacon", None);
    town.wait_for_log("does not tell when a process ends");
    process::signal(deacon, libc::SIGKILL);
    town.wait_for_agent("deacon", Some(deacon));
    // Ending a process tree goes without them too.
    let witness = town.wait_for_agent("alpha-witness", None);
    town.run(&["--request", "restart", "alpha/witness"]).exits(0);
    town.wait_for_agent("alpha-witness", Some(witness));
    gtd.stop();
    let mut check = town.command(self::gtd());
    check.arg("--check");
    without_process_descriptors(&mut check);
    let said = Ran::of(check).stdout;
    assert!(said.contains("there are no descriptors for processes"), "{said}");
}
