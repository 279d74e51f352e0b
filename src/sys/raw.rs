//! The only unsafe code: thin, checked wrappers around libc for what the standard library has no words for.
#![allow(unsafe_code)]

use std::io;
use std::os::fd::{AsRawFd, BorrowedFd, FromRawFd, OwnedFd, RawFd};
use std::time::Duration;

/// One descriptor to wait for.
#[derive(Clone, Copy, Debug)]
pub struct Wait {
    fd: RawFd,
    events: i16,
    /// Whether it is ready, closed or broken: reading or writing it will not block.
    pub ready: bool,
}

impl Wait {
    /// Waits until `fd` can be read, or its other end is closed.
    pub fn readable(fd: BorrowedFd<'_>) -> Wait {
        Wait { fd: fd.as_raw_fd(), events: libc::POLLIN, ready: false }
    }

    /// Waits until `fd` can be written.
    pub fn writable(fd: BorrowedFd<'_>) -> Wait {
        Wait { fd: fd.as_raw_fd(), events: libc::POLLOUT, ready: false }
    }
}

/// Sleeps until one of `waits` is ready or `timeout` has passed; `None` waits for ever. A signal ends it early, with
/// nothing ready.
///
/// # Errors
/// Those of poll(2) but EINTR.
pub fn poll(waits: &mut [Wait], timeout: Option<Duration>) -> io::Result<()> {
    // Rounded up: a wait that ends a fraction of a millisecond early would spin until its time has come.
    let ms = timeout
        .map_or(-1, |t| i32::try_from(t.saturating_add(Duration::from_nanos(999_999)).as_millis()).unwrap_or(i32::MAX));
    let mut fds: Vec<libc::pollfd> =
        waits.iter().map(|w| libc::pollfd { fd: w.fd, events: w.events, revents: 0 }).collect();
    let count = libc::nfds_t::try_from(fds.len()).unwrap_or(0);
    // SAFETY: `fds` is a live array of `count` pollfds, and poll writes nothing but their revents.
    let result = unsafe { libc::poll(fds.as_mut_ptr(), count, ms) };
    for (wait, fd) in waits.iter_mut().zip(&fds) {
        wait.ready = result > 0 && fd.revents != 0;
    }
    match result {
        -1 => match io::Error::last_os_error() {
            e if e.kind() == io::ErrorKind::Interrupted => Ok(()),
            e => Err(e),
        },
        _ => Ok(()),
    }
}

/// Makes reads and writes of `fd` return at once.
///
/// # Errors
/// Those of fcntl(2).
pub fn set_nonblocking(fd: BorrowedFd<'_>) -> io::Result<()> {
    // SAFETY: both calls only read and set the status flags of a descriptor that is open while it is borrowed.
    let done = unsafe {
        let flags = libc::fcntl(fd.as_raw_fd(), libc::F_GETFL);
        flags != -1 && libc::fcntl(fd.as_raw_fd(), libc::F_SETFL, flags | libc::O_NONBLOCK) != -1
    };
    if done { Ok(()) } else { Err(io::Error::last_os_error()) }
}

/// How many columns a terminal has; `None` if it is none, or does not tell.
pub fn columns(terminal: BorrowedFd<'_>) -> Option<u16> {
    let mut size = libc::winsize { ws_row: 0, ws_col: 0, ws_xpixel: 0, ws_ypixel: 0 };
    // SAFETY: TIOCGWINSZ writes one winsize, and `size` is one that lives through the call.
    let result = unsafe { libc::ioctl(terminal.as_raw_fd(), libc::TIOCGWINSZ, &raw mut size) };
    (result == 0 && size.ws_col > 0).then_some(size.ws_col)
}

/// How many bytes wait in a terminal to be read.
///
/// # Errors
/// ENOTTY if it is no terminal.
pub fn unread_bytes(tty: BorrowedFd<'_>) -> io::Result<u32> {
    let mut count: libc::c_int = 0;
    // SAFETY: FIONREAD writes one int, and `count` is one that lives through the call.
    match unsafe { libc::ioctl(tty.as_raw_fd(), libc::FIONREAD, &raw mut count) } {
        -1 => Err(io::Error::last_os_error()),
        _ => Ok(u32::try_from(count).unwrap_or(0)),
    }
}

/// How many descriptors this process may have open, and how far it may raise that itself.
pub fn descriptor_limits() -> (u64, u64) {
    let mut limits = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
    // SAFETY: `limits` is a live rlimit that getrlimit fills.
    match unsafe { libc::getrlimit(libc::RLIMIT_NOFILE, &raw mut limits) } {
        0 => (limits.rlim_cur, limits.rlim_max),
        // It cannot fail for a resource that exists; then nothing is taken for granted.
        _ => (0, 0),
    }
}

/// Sets how many descriptors this process may have open. Calls nothing that is not allowed between fork and exec.
///
/// # Errors
/// Those of setrlimit(2).
pub fn set_descriptor_limit(soft: u64) -> io::Result<()> {
    let (_, hard) = descriptor_limits();
    let limits = libc::rlimit { rlim_cur: soft, rlim_max: hard };
    // SAFETY: `limits` is a live rlimit that setrlimit only reads.
    match unsafe { libc::setrlimit(libc::RLIMIT_NOFILE, &raw const limits) } {
        0 => Ok(()),
        _ => Err(io::Error::last_os_error()),
    }
}

/// Has a child begin with this many descriptors at most.
pub fn limit_descriptors_of(command: &mut std::process::Command, soft: u64) {
    use std::os::unix::process::CommandExt;
    // SAFETY: between fork and exec only getrlimit and setrlimit are called, which touch no lock and no memory but the stack.
    unsafe {
        command.pre_exec(move || set_descriptor_limit(soft));
    }
}

/// Has a child begin with a session of its own, without a terminal.
pub fn begin_session_in(command: &mut std::process::Command) {
    use std::os::unix::process::CommandExt;
    // SAFETY: between fork and exec only setsid is called, which touches no lock and no memory but errno.
    unsafe {
        command.pre_exec(new_session);
    }
}

/// A descriptor that names one process for as long as it is open, whatever becomes of its PID. It is readable when the
/// process has ended.
///
/// # Errors
/// ESRCH if there is no such process; ENOSYS where the system has no such descriptors.
pub fn pidfd_open(pid: u32) -> io::Result<OwnedFd> {
    #[cfg(target_os = "linux")]
    {
        let pid = libc::pid_t::try_from(pid).map_err(|_| io::Error::from_raw_os_error(libc::ESRCH))?;
        // SAFETY: pidfd_open takes two integers; what it returns is a new descriptor that nobody else owns, or -1.
        unsafe {
            match libc::syscall(libc::SYS_pidfd_open, pid, 0) {
                -1 => Err(io::Error::last_os_error()),
                #[allow(clippy::cast_possible_truncation)] // The kernel returns an int here.
                fd => Ok(OwnedFd::from_raw_fd(fd as RawFd)),
            }
        }
    }
    #[cfg(not(target_os = "linux"))]
    {
        let _ = pid;
        Err(io::Error::from_raw_os_error(libc::ENOSYS))
    }
}

/// Sends a signal to the process that a [`pidfd_open`] descriptor names.
///
/// # Errors
/// ESRCH if it has ended; EPERM; ENOSYS.
pub fn pidfd_signal(fd: BorrowedFd<'_>, signal: i32) -> io::Result<()> {
    #[cfg(target_os = "linux")]
    {
        let nothing = std::ptr::null::<libc::siginfo_t>();
        // SAFETY: a null siginfo is allowed and means "as kill(2)"; the descriptor is open while it is borrowed.
        let result = unsafe { libc::syscall(libc::SYS_pidfd_send_signal, fd.as_raw_fd(), signal, nothing, 0) };
        if result == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
    }
    #[cfg(not(target_os = "linux"))]
    {
        let _ = (fd, signal);
        Err(io::Error::from_raw_os_error(libc::ENOSYS))
    }
}

/// kill(2) for one process. 0, 1 and what is no PID are refused: to kill(2) they mean groups and everybody.
///
/// # Errors
/// Those of kill(2).
pub fn kill(pid: u32, signal: i32) -> io::Result<()> {
    signal_pid(pid, 1, signal)
}

/// kill(2) for the process group that `leader` leads.
///
/// # Errors
/// Those of kill(2).
pub fn kill_group(leader: u32, signal: i32) -> io::Result<()> {
    signal_pid(leader, -1, signal)
}

fn signal_pid(pid: u32, sign: i32, signal: i32) -> io::Result<()> {
    match libc::pid_t::try_from(pid) {
        Ok(pid) if pid > 1 => {
            // SAFETY: kill takes two integers; the check above keeps it from 0, 1 and -1.
            let result = unsafe { libc::kill(pid * sign, signal) };
            if result == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
        }
        _ => Err(io::Error::from_raw_os_error(libc::ESRCH)),
    }
}

/// Whether our child `pid` has ended; it is left to be waited for, so that its PID stays its own.
///
/// # Errors
/// Those of waitid(2): ECHILD if it is no child of ours.
pub fn child_has_ended(pid: u32) -> io::Result<bool> {
    let flags = libc::WEXITED | libc::WNOHANG | libc::WNOWAIT;
    // SAFETY: `info` is a live siginfo that waitid fills; all-zero is a valid value of it, and stays if no child ended.
    unsafe {
        let mut info: libc::siginfo_t = std::mem::zeroed();
        match libc::waitid(libc::P_PID, pid, &raw mut info, flags) {
            0 => Ok(info.si_pid() != 0),
            _ => Err(io::Error::last_os_error()),
        }
    }
}

/// Time since boot, suspended time included.
pub fn since_boot() -> Duration {
    #[cfg(target_os = "linux")]
    const CLOCK: libc::clockid_t = libc::CLOCK_BOOTTIME;
    #[cfg(not(target_os = "linux"))]
    const CLOCK: libc::clockid_t = libc::CLOCK_MONOTONIC;
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: `time` is a live timespec. The clock exists on every system this is built for, so it cannot fail.
    unsafe { libc::clock_gettime(CLOCK, &raw mut time) };
    Duration::new(u64::try_from(time.tv_sec).unwrap_or(0), u32::try_from(time.tv_nsec).unwrap_or(0))
}

/// The clock by which init reckons: time since boot, without suspended time.
pub fn monotonic() -> Duration {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: `time` is a live timespec. The clock exists everywhere, so it cannot fail.
    unsafe { libc::clock_gettime(libc::CLOCK_MONOTONIC, &raw mut time) };
    Duration::new(u64::try_from(time.tv_sec).unwrap_or(0), u32::try_from(time.tv_nsec).unwrap_or(0))
}

/// The machine's name; empty where it has none.
pub fn host_name() -> String {
    let mut name = [0u8; 256];
    // SAFETY: gethostname writes at most as many bytes as it is told that there are; the last one stays zero.
    let done = unsafe { libc::gethostname(name.as_mut_ptr().cast(), name.len() - 1) };
    let end = name.iter().position(|byte| *byte == 0).unwrap_or(0);
    if done == 0 { String::from_utf8_lossy(&name[..end]).into_owned() } else { String::new() }
}

/// How long the machine has been suspended since its boot; 0 where the system does not tell.
pub fn suspended() -> Duration {
    #[cfg(target_os = "linux")]
    {
        let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
        // SAFETY: as for CLOCK_BOOTTIME above; this clock stands still while the machine is suspended.
        unsafe { libc::clock_gettime(libc::CLOCK_MONOTONIC, &raw mut time) };
        let awake = Duration::new(u64::try_from(time.tv_sec).unwrap_or(0), u32::try_from(time.tv_nsec).unwrap_or(0));
        since_boot().saturating_sub(awake)
    }
    #[cfg(not(target_os = "linux"))]
    {
        Duration::ZERO
    }
}

/// The local offset from UTC at a time in seconds since the epoch, in seconds; 0 if it is not known.
pub fn local_offset(at: i64) -> i32 {
    // As wide as the system has it.
    let at = at as _;
    // SAFETY: both pointers are to live values; localtime_r fills `local` or returns null. All-zero is a valid tm.
    unsafe {
        let mut local: libc::tm = std::mem::zeroed();
        if libc::localtime_r(&raw const at, &raw mut local).is_null() {
            return 0;
        }
        i32::try_from(local.tm_gmtoff).unwrap_or(0)
    }
}

/// The user that gtd runs as.
pub fn user_id() -> u32 {
    // SAFETY: getuid takes nothing and cannot fail.
    unsafe { libc::getuid() }
}

/// Begins a session of its own, without a terminal: its end, and its hang-up, are no longer ours.
///
/// # Errors
/// EPERM if we lead a process group already.
pub fn new_session() -> io::Result<()> {
    // SAFETY: setsid takes nothing and changes nothing but our session and group.
    match unsafe { libc::setsid() } {
        -1 => Err(io::Error::last_os_error()),
        _ => Ok(()),
    }
}

/// Sets the mask of permissions that new files do not get. tmux hands it on to everything in it.
pub fn set_umask(mask: u32) {
    // SAFETY: umask takes an integer and cannot fail.
    unsafe { libc::umask(mask as libc::mode_t) };
}

/// Makes descriptor `to` (0, 1 or 2) mean what `from` means.
///
/// # Errors
/// Those of dup2(2).
pub fn redirect(from: BorrowedFd<'_>, to: RawFd) -> io::Result<()> {
    debug_assert!((0..=2).contains(&to), "only the standard streams have no owner in Rust");
    // SAFETY: the standard streams are owned by nobody in Rust, so nobody's descriptor is closed behind their back.
    match unsafe { libc::dup2(from.as_raw_fd(), to) } {
        -1 => Err(io::Error::last_os_error()),
        _ => Ok(()),
    }
}

/// Whether this user may write here.
pub fn can_write(path: &std::path::Path) -> bool {
    may(path, libc::W_OK)
}

/// Whether this user may run this file, by all that keeps it from being run: permissions, lists of them, how its file system is
/// mounted. Of a directory it says whether it may be entered.
pub fn can_run(path: &std::path::Path) -> bool {
    may(path, libc::X_OK)
}

fn may(path: &std::path::Path, what: libc::c_int) -> bool {
    use std::os::unix::ffi::OsStrExt;
    let Ok(path) = std::ffi::CString::new(path.as_os_str().as_bytes()) else {
        return false;
    };
    // SAFETY: `path` is a string that ends with a zero and lives through the call.
    unsafe { libc::access(path.as_ptr(), what) == 0 }
}

/// What is left of a file system, for a user without privileges.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FileSystem {
    /// Bytes.
    pub free: u64,
    /// Inodes; `None` where the file system makes them as they are needed.
    pub free_inodes: Option<u64>,
    /// Whether nothing can be written to it.
    pub read_only: bool,
}

/// The file system on which `path` is.
///
/// # Errors
/// Those of statvfs(3).
pub fn file_system(path: &std::path::Path) -> io::Result<FileSystem> {
    use std::os::unix::ffi::OsStrExt;
    let path = std::ffi::CString::new(path.as_os_str().as_bytes())?;
    // SAFETY: `path` is a string that ends with a zero, `found` a live statvfs that the call fills; all-zero is a valid one.
    let found = unsafe {
        let mut found: libc::statvfs = std::mem::zeroed();
        if libc::statvfs(path.as_ptr(), &raw mut found) == -1 {
            return Err(io::Error::last_os_error());
        }
        found
    };
    // As wide as the system has them.
    let (blocks, inodes, free_inodes) = (found.f_bavail as u64, found.f_files as u64, found.f_favail as u64);
    Ok(FileSystem {
        free: blocks.saturating_mul(found.f_frsize as u64),
        free_inodes: (inodes > 0).then_some(free_inodes),
        read_only: found.f_flag & libc::ST_RDONLY != 0,
    })
}

/// Keeps descriptors above 2 that whoever started us has left open from everything that we start: a tmux server would hold
/// them for as long as it lives. With `close` they are closed for us too. To be called before anything is opened.
pub fn seal_inherited(close: bool) {
    let listed = std::fs::read_dir("/dev/fd").map(|entries| {
        let number = |entry: std::fs::DirEntry| entry.file_name().to_str()?.parse::<RawFd>().ok();
        entries.flatten().filter_map(number).collect::<Vec<RawFd>>()
    });
    for fd in listed.unwrap_or_else(|_| (3..1024).collect()).into_iter().filter(|fd| *fd > 2) {
        // SAFETY: nothing has been opened yet, so that no descriptor above 2 is owned by anything in this program; the one
        // by which the list was read is closed already, and sealing or closing it again fails harmlessly.
        unsafe {
            if close {
                libc::close(fd);
            } else {
                libc::fcntl(fd, libc::F_SETFD, libc::FD_CLOEXEC);
            }
        }
    }
}

/// What the standard library asks of an unwinder, for a program that was linked without the tables by which one works
/// (`make static`). A backtrace of no frames is all that it could give; that the optimiser sees it leaves out the unwinder and
/// what reads debug information, 270 kB. What is lost are the addresses that RUST_BACKTRACE=1 would list.
#[cfg(no_unwinding)]
mod no_unwinding {
    use std::ffi::{c_int, c_void};
    use std::ptr::null_mut;

    /// `_URC_END_OF_STACK`.
    const END_OF_STACK: c_int = 5;

    macro_rules! unwinder {
        ($($name:ident($($given:ty),*) -> $result:ty = $value:expr;)*) => { $(
            // SAFETY: the name and the signature are those of the Itanium ABI for C++. No other unwinder is linked, since this
            // one has all the names that std and the C libraries ask for: were one missing, the linker would refuse the rest.
            #[unsafe(no_mangle)]
            extern "C" fn $name($(_: $given),*) -> $result {
                $value
            }
        )* };
    }

    unwinder! {
        _Unwind_Backtrace(*const c_void, *mut c_void) -> c_int = END_OF_STACK;
        _Unwind_GetIP(*mut c_void) -> usize = 0;
        _Unwind_GetCFA(*mut c_void) -> usize = 0;
        _Unwind_GetIPInfo(*mut c_void, *mut c_int) -> usize = 0;
        _Unwind_FindEnclosingFunction(*mut c_void) -> *mut c_void = null_mut();
        _Unwind_GetLanguageSpecificData(*mut c_void) -> *mut c_void = null_mut();
        _Unwind_GetRegionStart(*mut c_void) -> usize = 0;
        _Unwind_GetTextRelBase(*mut c_void) -> usize = 0;
        _Unwind_GetDataRelBase(*mut c_void) -> usize = 0;
        _Unwind_SetGR(*mut c_void, c_int, usize) -> () = ();
        _Unwind_SetIP(*mut c_void, usize) -> () = ();
        _Unwind_ForcedUnwind(*mut c_void, *const c_void, *mut c_void) -> ! = std::process::abort();
        _Unwind_Resume(*mut c_void) -> ! = std::process::abort();
    }
}

/// Names the thread that calls, which is the only one that std ever names. musl's own function writes to /proc for any thread,
/// with what formats text in C, 15 kB.
#[cfg(all(no_unwinding, target_os = "linux", target_env = "musl"))]
// SAFETY: the name and the signature are those of pthread_setname_np(3), whose object is then not taken from the library.
#[unsafe(no_mangle)]
extern "C" fn pthread_setname_np(_thread: libc::pthread_t, name: *const libc::c_char) -> libc::c_int {
    // SAFETY: std gives a string of at most 15 bytes and a zero, and prctl only reads it.
    unsafe { libc::prctl(libc::PR_SET_NAME, name) }
}

/// What std asks at the start for the bounds of each thread's stack. glibc's own reads them from /proc with what reads floating
/// point in C, 110 kB. What is lost is the line that std says when a stack overflows; SIGSEGV ends gtd as it would anyway.
#[cfg(all(no_unwinding, target_os = "linux", target_env = "gnu"))]
// SAFETY: the name and the signature are those of pthread_getattr_np(3), whose object is then not taken from the library; std
// leaves what it was to fill in alone where it fails.
#[unsafe(no_mangle)]
extern "C" fn pthread_getattr_np(_thread: libc::pthread_t, _attributes: *mut libc::pthread_attr_t) -> libc::c_int {
    libc::ENOSYS
}
