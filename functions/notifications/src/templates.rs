//! Renders messages from templates: the built-in ones, and those of a directory, which replace or extend them.

use std::path::{Path, PathBuf};

use minijinja::value::{Serde, Value};
use minijinja::{Environment, UndefinedBehavior};
use orderflow_domain::ChannelKind;
use orderflow_settings::Reader;
use orderflow_settings::declared::TEMPLATES_DIR;
use serde::Serialize;
use utoipa::ToSchema;

use crate::template::{self, DirectoryError, Sources, Template, TemplateFile};

/// The beginning of the first line of an e-mail template.
const SUBJECT: &str = "Subject: ";

/// The variables that every event provides. `reason` and `items` are optional.
const EVENT_VARIABLES: [&str; 2] = ["orderId", "total"];

/// The templates are invalid.
#[derive(Debug, thiserror::Error)]
pub enum TemplatesError {
    /// The directory cannot be read.
    #[error("the directory {}: {source}", path.display())]
    Directory {
        /// The directory.
        path: PathBuf,
        /// The cause.
        source: DirectoryError,
    },
    /// A template has a syntax error.
    #[error("the template {file} has a syntax error: {source}")]
    Syntax {
        /// The file of the template.
        file: String,
        /// The cause.
        source: minijinja::Error,
    },
    /// An e-mail template has no subject line.
    #[error("the template {0} must begin with a line \"Subject: ...\"")]
    NoSubject(String),
    /// A template of an outcome uses a variable that no event provides.
    #[error("the template {file} uses the variable {variable}, which no event provides")]
    UnknownVariable {
        /// The file of the template.
        file: String,
        /// The variable.
        variable: String,
    },
}

/// A message could not be rendered.
#[derive(Debug, thiserror::Error)]
pub enum RenderError {
    /// No template has this name and channel.
    #[error("there is no template {0}")]
    Unknown(String),
    /// A variable is missing or has an unsuitable value.
    #[error("the template {file} cannot be rendered: {source}")]
    Render {
        /// The file of the template.
        file: String,
        /// The cause.
        source: minijinja::Error,
    },
    /// The rendered e-mail has no subject line.
    #[error("the template {0} renders no subject line")]
    NoSubject(String),
}

/// A rendered text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rendered {
    /// The subject (e-mail only).
    pub subject: Option<String>,
    /// The text.
    pub body: String,
}

/// A template and its variables.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = Template)]
pub struct TemplateSummary {
    /// The name of the template.
    pub name: String,
    /// The channel of the template.
    pub channel: ChannelKind,
    /// The required variables, sorted.
    pub variables: Vec<String>,
}

/// All templates. A missing variable is an error and leaves no gap in the message; only `reason` and `items` are empty by
/// default.
#[derive(Debug)]
pub struct Templates {
    environment: Environment<'static>,
    summaries: Vec<TemplateSummary>,
}

impl Templates {
    /// Returns the built-in templates.
    pub fn built_in() -> Self {
        Self::of(template::built_in()).expect("a test renders every built-in template")
    }

    /// Returns the built-in templates and those of a directory. A file with the name of a built-in template replaces it; other
    /// files are additional templates.
    ///
    /// # Errors
    /// [`TemplatesError`] names the invalid file.
    pub fn with_directory(directory: &Path) -> Result<Self, TemplatesError> {
        let found = template::read(directory)
            .map_err(|source| TemplatesError::Directory { path: directory.to_owned(), source })?;
        let mut sources = template::built_in();
        sources.extend(found);
        Self::of(sources)
    }

    /// Reads the directory that `TEMPLATES_DIR` names. Returns the built-in templates if it is unset or empty.
    pub fn read(reader: &mut Reader<'_>) -> Self {
        reader.content(&TEMPLATES_DIR, Self::with_directory).unwrap_or_else(Self::built_in)
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
        let is_outcome = Template::ALL.iter().any(|template| template.as_str() == file.name);
        let unknown = variables.iter().find(|variable| !EVENT_VARIABLES.contains(&variable.as_str()));
        if let Some(variable) = unknown.filter(|_| is_outcome) {
            return Err(TemplatesError::UnknownVariable { file: named, variable: variable.clone() });
        }
        self.summaries.push(TemplateSummary { name: file.name, channel: file.channel, variables });
        Ok(())
    }

    /// Returns the variables that a template uses and that have no default.
    fn variables_of(&self, file: &str) -> Vec<String> {
        let template = self.environment.get_template(file);
        let named = template.map(|template| template.undeclared_variables(false)).unwrap_or_default();
        let is_global = |name: &String| self.environment.globals().any(|(global, _)| global == name);
        let mut variables: Vec<String> = named.into_iter().filter(|name| !is_global(name)).collect();
        variables.sort_unstable();
        variables
    }

    /// Returns all templates, by name and channel.
    pub fn summaries(&self) -> &[TemplateSummary] {
        &self.summaries
    }

    /// Finds the template with this name and channel.
    pub fn find(&self, name: &str, channel: ChannelKind) -> Option<&TemplateSummary> {
        self.summaries.iter().find(|summary| summary.name == name && summary.channel == channel)
    }

    /// Renders a template for a channel.
    ///
    /// # Errors
    /// [`RenderError`] if there is no such template, or if it does not fit the variables.
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
