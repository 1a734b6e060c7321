//! Runs the program in a terminal of 80 columns.

use std::fs::File;
use std::io::{self, Read};

use orderflow_testing::program::Launch;
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{Winsize, tcsetwinsize};

/// Runs a command to its end. Returns its exit code and what the terminal has received.
pub(crate) fn run(launch: &Launch) -> (i32, String) {
    let controller = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC).unwrap();
    grantpt(&controller).unwrap();
    unlockpt(&controller).unwrap();
    let name = ptsname(&controller, Vec::new()).unwrap();
    let terminal = File::options().read(true).write(true).open(name.to_str().unwrap()).unwrap();
    tcsetwinsize(&terminal, Winsize { ws_row: 24, ws_col: 80, ws_xpixel: 0, ws_ypixel: 0 }).unwrap();
    let mut command = launch.command();
    command.stdin(terminal.try_clone().unwrap()).stdout(terminal.try_clone().unwrap()).stderr(terminal);
    let mut child = command.spawn().unwrap();
    // Else this process keeps the terminal open, and its end is never read.
    drop(command);
    let text = read_to_end(File::from(controller)).unwrap();
    let status = child.wait().unwrap();
    (status.code().unwrap_or(-1), text.replace("\r\n", "\n"))
}

fn read_to_end(mut controller: File) -> io::Result<String> {
    let (mut bytes, mut buffer) = (Vec::new(), [0; 4_096]);
    loop {
        match controller.read(&mut buffer) {
            // Linux reports the end of a terminal as an error of input.
            Err(error) if error.raw_os_error() == Some(rustix::io::Errno::IO.raw_os_error()) => break,
            Ok(0) => break,
            read => bytes.extend_from_slice(&buffer[..read?]),
        }
    }
    String::from_utf8(bytes).map_err(io::Error::other)
}
