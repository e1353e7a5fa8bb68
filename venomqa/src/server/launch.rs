use std::ffi::{OsStr, OsString};
use std::path::PathBuf;
use std::process::Command;

/// How to start the server: a copy of a [`Command`], so that it can be started again.
///
/// Program, arguments, environment and directory are copied. What a `Command` does not tell is not: `env_clear` (use `env_remove`),
/// `stdin`, `pre_exec`, user and group. The environment of the test is inherited untouched, proxy variables included.
#[derive(Clone, Debug)]
pub struct Launch {
    program: OsString,
    arguments: Vec<OsString>,
    /// A variable without a value is removed.
    variables: Vec<(OsString, Option<OsString>)>,
    directory: Option<PathBuf>,
}

impl Launch {
    pub(super) fn program(&self) -> String {
        self.program.to_string_lossy().into_owned()
    }

    /// The command for one start, with `{port}` replaced in arguments and variables.
    pub(super) fn command(&self, port: u16) -> Command {
        let mut command = Command::new(&self.program);
        command.args(self.arguments.iter().map(|text| with_port(text, port)));
        for (name, value) in &self.variables {
            match value {
                Some(value) => command.env(name, with_port(value, port)),
                None => command.env_remove(name),
            };
        }
        if let Some(directory) = &self.directory {
            command.current_dir(directory);
        }
        command
    }
}

impl From<&Command> for Launch {
    fn from(command: &Command) -> Self {
        let owned = |(name, value): (&OsStr, Option<&OsStr>)| (name.into(), value.map(Into::into));
        Self {
            program: command.get_program().into(),
            arguments: command.get_args().map(Into::into).collect(),
            variables: command.get_envs().map(owned).collect(),
            directory: command.get_current_dir().map(Into::into),
        }
    }
}

impl From<&mut Command> for Launch {
    fn from(command: &mut Command) -> Self {
        Self::from(&*command)
    }
}

impl From<Command> for Launch {
    fn from(command: Command) -> Self {
        Self::from(&command)
    }
}

fn with_port(text: &OsStr, port: u16) -> OsString {
    match text.to_str() {
        Some(text) => text.replace("{port}", &port.to_string()).into(),
        None => text.into(),
    }
}
