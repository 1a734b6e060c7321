//! The texts of messages: those of the program, and those of a directory in their stead.

use std::path::{Path, PathBuf};

use minijinja::value::{Serde, Value};
use minijinja::{Environment, UndefinedBehavior};
use orderflow_domain::ChannelKind;
use serde::Serialize;
use utoipa::ToSchema;

use crate::template::Template;
use crate::template_file::{self, DirectoryError, Sources, TemplateFile};

const TEMPLATES_DIR: &str = "TEMPLATES_DIR";

/// What the first line of an e-mail's template begins with.
const SUBJECT: &str = "Subject: ";

/// What every event gives besides what a template may do without.
const GIVEN_BY_EVENTS: [&str; 2] = ["orderId", "total"];

/// Templates that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum TemplatesError {
    /// The directory does not give them.
    #[error("TEMPLATES_DIR={}: {source}", path.display())]
    Directory {
        /// The directory.
        path: PathBuf,
        /// Why.
        source: DirectoryError,
    },
    /// One does not parse.
    #[error("the template {file} cannot be read: {source}")]
    Syntax {
        /// Its file.
        file: String,
        /// What is wrong.
        source: minijinja::Error,
    },
    /// An e-mail's first line is no subject.
    #[error("the template {0} does not begin with \"Subject: \" and a line's end")]
    NoSubject(String),
    /// It tells of an outcome, and names what no event gives.
    #[error("the template {file} names {variable}, which no event gives")]
    UnknownVariable {
        /// Its file.
        file: String,
        /// The variable.
        variable: String,
    },
}

/// A template that gives no message.
#[derive(Debug, thiserror::Error)]
pub enum RenderError {
    /// There is none of that name for the channel.
    #[error("there is no template {0}")]
    Unknown(String),
    /// It names a variable that is missing, or is given one that it can do nothing with.
    #[error("the template {file} cannot be rendered: {source}")]
    Render {
        /// Its file.
        file: String,
        /// What is wrong.
        source: minijinja::Error,
    },
    /// The first line of the e-mail is no subject.
    #[error("the template {0} gives no subject")]
    NoSubject(String),
}

/// A text, ready to be sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rendered {
    /// The subject (e-mail only).
    pub subject: Option<String>,
    /// The text.
    pub body: String,
}

/// What there is to know of a template before it is used.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = Template)]
pub struct TemplateSummary {
    /// Its name.
    pub name: String,
    /// The channel that it is for.
    pub channel: ChannelKind,
    /// The variables that it has to be given, sorted.
    pub variables: Vec<String>,
}

/// The texts of all templates. What a template names and nobody gave is an error, not a gap in the message; only `reason` and `items` are
/// empty where they are not given.
#[derive(Debug)]
pub struct Templates {
    environment: Environment<'static>,
    summaries: Vec<TemplateSummary>,
}

impl Templates {
    /// The texts that come with the program.
    pub fn built_in() -> Self {
        Self::of(template_file::built_in()).expect("a test renders every template")
    }

    /// The texts that come with the program, but those for which the directory has a file `NAME.email.txt` or `NAME.sms.txt`. Files of other
    /// names are templates of their own.
    ///
    /// # Errors
    /// [`TemplatesError`] names the file that cannot be used.
    pub fn with_directory(directory: &Path) -> Result<Self, TemplatesError> {
        let found = template_file::read(directory)
            .map_err(|source| TemplatesError::Directory { path: directory.to_owned(), source })?;
        let mut sources = template_file::built_in();
        sources.extend(found);
        Self::of(sources)
    }

    /// The texts that `TEMPLATES_DIR` asks for; those of the program where it is unset or empty.
    ///
    /// # Errors
    /// [`TemplatesError`] names the file that cannot be used.
    pub fn from_environment() -> Result<Self, TemplatesError> {
        match std::env::var_os(TEMPLATES_DIR).filter(|directory| !directory.is_empty()) {
            Some(directory) => Self::with_directory(Path::new(&directory)),
            None => Ok(Self::built_in()),
        }
    }

    fn of(sources: Sources) -> Result<Self, TemplatesError> {
        let mut environment = Environment::new();
        environment.set_undefined_behavior(UndefinedBehavior::Strict);
        environment.add_global("reason", "");
        environment.add_global("items", Vec::<Value>::new());
        let mut templates = Self { environment, summaries: Vec::new() };
        for (file, source) in sources {
            templates.add(file, source)?;
        }
        Ok(templates)
    }

    fn add(&mut self, file: TemplateFile, source: String) -> Result<(), TemplatesError> {
        let named = file.to_string();
        if file.channel == ChannelKind::Email && !begins_with_subject(&source) {
            return Err(TemplatesError::NoSubject(named));
        }
        self.environment
            .add_template_owned(named.clone(), source)
            .map_err(|source| TemplatesError::Syntax { file: named.clone(), source })?;
        let variables = self.variables_of(&named);
        let tells_outcome = Template::ALL.iter().any(|template| template.as_str() == file.name);
        let unknown = variables.iter().find(|variable| !GIVEN_BY_EVENTS.contains(&variable.as_str()));
        if let Some(variable) = unknown.filter(|_| tells_outcome) {
            return Err(TemplatesError::UnknownVariable { file: named, variable: variable.clone() });
        }
        self.summaries.push(TemplateSummary { name: file.name, channel: file.channel, variables });
        Ok(())
    }

    /// What a template names and the environment does not know by itself.
    fn variables_of(&self, file: &str) -> Vec<String> {
        let template = self.environment.get_template(file);
        let named = template.map(|template| template.undeclared_variables(false)).unwrap_or_default();
        let is_global = |name: &String| self.environment.globals().any(|(global, _)| global == name);
        let mut variables: Vec<String> = named.into_iter().filter(|name| !is_global(name)).collect();
        variables.sort_unstable();
        variables
    }

    /// Every template, by name and channel.
    pub fn summaries(&self) -> &[TemplateSummary] {
        &self.summaries
    }

    /// The template of this name for a channel.
    pub fn find(&self, name: &str, channel: ChannelKind) -> Option<&TemplateSummary> {
        self.summaries.iter().find(|summary| summary.name == name && summary.channel == channel)
    }

    /// Renders a template for a channel.
    ///
    /// # Errors
    /// [`RenderError`] where it cannot be rendered.
    pub fn render(
        &self,
        name: &str,
        channel: ChannelKind,
        variables: &impl Serialize,
    ) -> Result<Rendered, RenderError> {
        let file = TemplateFile { name: name.to_owned(), channel }.to_string();
        let Ok(template) = self.environment.get_template(&file) else {
            return Err(RenderError::Unknown(file));
        };
        match (template.render(Serde(variables)), channel) {
            (Ok(text), ChannelKind::Email) => email(&text).ok_or(RenderError::NoSubject(file)),
            (Ok(text), ChannelKind::Sms) => Ok(Rendered { subject: None, body: text }),
            (Err(source), _) => Err(RenderError::Render { file, source }),
        }
    }
}

fn begins_with_subject(source: &str) -> bool {
    source.starts_with(SUBJECT) && source.contains('\n')
}

fn email(text: &str) -> Option<Rendered> {
    let (subject, body) = text.strip_prefix(SUBJECT)?.split_once('\n')?;
    let (subject, body) = (subject.trim_end().to_owned(), body.trim_start_matches(['\r', '\n']).to_owned());
    Some(Rendered { subject: Some(subject), body })
}

#[cfg(test)]
#[path = "templates_tests.rs"]
mod tests;
