//! The cookie file: made once, also by concurrent starts and beside stale files.

use std::collections::HashSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::{Arc, Barrier};

use greenroom::{Cookie, CookieError};

/// The variable by which child processes of a test find the file.
const FILE: &str = "GREENROOM_TEST_COOKIE_FILE";

/// A folder for one test, removed at the end.
struct Folder(PathBuf);

impl Folder {
    fn new(test: &str) -> Folder {
        let folder = std::env::temp_dir().join(format!("greenroom-cookie-{test}-{}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        Folder(folder)
    }

    fn cookie(&self) -> PathBuf {
        self.0.join("deep").join("cookie")
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

#[test]
fn a_file_is_made_once_and_for_its_owner_only() {
    let folder = Folder::new("once");
    let made = Cookie::load_from(folder.cookie()).unwrap();
    assert_eq!(Cookie::load_from(folder.cookie()).unwrap(), made);
    #[cfg(unix)]
    assert_eq!(mode_of(&folder.cookie()), 0o600);
}

#[test]
fn files_of_an_earlier_start_do_not_prevent_the_next() {
    let folder = Folder::new("stale");
    let beside = folder.cookie().parent().unwrap().to_owned();
    fs::create_dir_all(&beside).unwrap();
    for stale in ["cookie.new".to_owned(), "cookie.lock".to_owned(), format!("cookie.new-{}", std::process::id())] {
        fs::write(beside.join(stale), "half a coo").unwrap();
    }
    let made = Cookie::load_from(folder.cookie()).unwrap();
    assert_eq!(Cookie::load_from(folder.cookie()).unwrap(), made);
    #[cfg(unix)]
    assert_eq!(mode_of(&folder.cookie()), 0o600);
}

#[test]
fn a_file_of_any_name_is_made_and_other_files_stay() {
    let folder = Folder::new("names");
    for other in ["team.new", "team.lock"] {
        fs::write(folder.0.join(other), "a file of the user").unwrap();
    }
    for name in ["team.cookie", "cookie.lock", "cookie.new", ".cookie"] {
        let made = Cookie::load_from(folder.0.join(name)).unwrap();
        assert_eq!(Cookie::load_from(folder.0.join(name)).unwrap(), made, "{name}");
    }
    for other in ["team.new", "team.lock"] {
        assert_eq!(fs::read_to_string(folder.0.join(other)).unwrap(), "a file of the user");
    }
}

/// Runs this program as a process that loads the cookie of the environment, and returns its output.
#[cfg(unix)]
fn load_in_process(variables: &[(&str, &std::ffi::OsStr)]) -> String {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", "cluster::cookie_files::prints_the_default_cookie", "--ignored", "--nocapture"]);
    command.env_remove("HOME").env_remove("USERPROFILE").env_remove(Cookie::VARIABLE).envs(variables.iter().copied());
    String::from_utf8(command.output().unwrap().stdout).unwrap()
}

#[test]
#[ignore = "run as a process of its own by the test below"]
fn prints_the_default_cookie() {
    println!("cookie={:?}", Cookie::load().map(|cookie| cookie.expose()));
}

#[cfg(unix)]
#[test]
fn a_variable_that_is_not_text_and_an_empty_home_are_errors() {
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt;

    let folder = Folder::new("home");
    let home = ("HOME", folder.0.as_os_str());
    assert!(load_in_process(&[home]).contains("cookie=Ok("));
    let variable = (Cookie::VARIABLE, OsStr::from_bytes(b"\xff\xfe"));
    assert!(load_in_process(&[home, variable]).contains("cookie=Err(Malformed("));
    assert!(load_in_process(&[("HOME", OsStr::new(""))]).contains("cookie=Err(NoHome)"));
}

#[test]
fn threads_that_start_at_once_get_the_same_cookie() {
    let folder = Folder::new("threads");
    let start = Arc::new(Barrier::new(32));
    let threads: Vec<_> = (0..32)
        .map(|_| {
            let (path, start) = (folder.cookie(), Arc::clone(&start));
            std::thread::spawn(move || {
                start.wait();
                Cookie::load_from(path).unwrap().expose()
            })
        })
        .collect();
    let cookies: HashSet<_> = threads.into_iter().map(|thread| thread.join().unwrap()).collect();
    assert_eq!(cookies.len(), 1);
}

/// Covers containers that share a folder too: no file name depends on the process id.
#[test]
fn processes_that_start_at_once_get_the_same_cookie() {
    let folder = Folder::new("processes");
    let children: Vec<_> = (0..8)
        .map(|_| {
            Command::new(std::env::current_exe().unwrap())
                .args(["--exact", "cluster::cookie_files::prints_the_cookie", "--ignored", "--nocapture"])
                .env(FILE, folder.cookie())
                .stdout(Stdio::piped())
                .spawn()
                .unwrap()
        })
        .collect();
    let cookie_in = |output: Vec<u8>| {
        let output = String::from_utf8(output).unwrap();
        let line = output.lines().find_map(|line| line.split_once("cookie=")).expect("the child prints its cookie");
        line.1.to_owned()
    };
    let cookies: HashSet<_> =
        children.into_iter().map(|child| cookie_in(child.wait_with_output().unwrap().stdout)).collect();
    assert_eq!(cookies, HashSet::from([Cookie::load_from(folder.cookie()).unwrap().expose()]));
}

#[test]
#[ignore = "run as a process of its own by the test above"]
fn prints_the_cookie() {
    println!("cookie={}", Cookie::load_from(std::env::var_os(FILE).unwrap()).unwrap().expose());
}

#[cfg(unix)]
#[test]
fn a_file_that_others_may_read_is_refused_with_the_command_to_run() {
    use std::os::unix::fs::PermissionsExt;

    let folder = Folder::new("modes");
    let path = folder.cookie();
    let made = Cookie::load_from(&path).unwrap();
    for mode in [0o644, 0o666, 0o640, 0o604, 0o602] {
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
        let error = Cookie::load_from(&path).unwrap_err();
        assert!(matches!(&error, CookieError::Exposed(at, found) if *at == path && *found == mode), "{error:?}");
        assert!(error.to_string().ends_with(&format!("run `chmod 600 {}`", path.display())), "{error}");
    }
    for mode in [0o600, 0o400] {
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
        assert_eq!(Cookie::load_from(&path).unwrap(), made);
    }
}

#[test]
fn a_file_without_32_random_bytes_is_refused() {
    let folder = Folder::new("contents");
    let path = folder.cookie();
    Cookie::load_from(&path).unwrap();
    let zeros = format!("{}=", "A".repeat(43));
    for contents in [&b""[..], b"half", &[0; 32], &[0; 44], zeros.as_bytes(), b"\xff\xfe"] {
        fs::write(&path, contents).unwrap();
        let error = Cookie::load_from(&path).unwrap_err();
        assert!(matches!(error, CookieError::Malformed(_)), "{contents:?}: {error:?}");
        assert!(error.to_string().contains(&path.display().to_string()), "{error}");
    }
    assert!(zeros.parse::<Cookie>().is_err());
}

#[test]
fn a_folder_that_cannot_be_made_is_named() {
    let folder = Folder::new("folders");
    fs::write(folder.0.join("deep"), "a file").unwrap();
    let error = Cookie::load_from(folder.cookie()).unwrap_err();
    assert!(matches!(&error, CookieError::File(path, _) if *path == folder.cookie()), "{error:?}");
    assert!(std::error::Error::source(&error).is_some());
}

#[cfg(unix)]
fn mode_of(path: &Path) -> u32 {
    std::os::unix::fs::PermissionsExt::mode(&fs::metadata(path).unwrap().permissions()) & 0o777
}
