//! Pulls the images, or builds stand-ins if no registry can be reached.

use std::fs;

use anyhow::{Context as _, Result, ensure};

use crate::report::Report;

use super::{Bench, LONG, SHORT};

/// The base of all other images; its stand-in is made from Debian packages with debootstrap.
const BASE: &str = "debian";
const RELEASE: &str = "bookworm";
const MIRROR: &str = "http://deb.debian.org/debian";

/// An image that can be built without a registry.
struct Recipe {
    /// The image without its tag; the tag is read from the file that names the image.
    repository: &'static str,
    /// The file in `docker/stand-ins`.
    file: &'static str,
    /// What the stand-in contains, for the report.
    instead: &'static str,
}

const RECIPES: [Recipe; 4] = [
    Recipe { repository: "rust", file: "rust.Dockerfile", instead: "the program as this machine built it" },
    Recipe { repository: "rabbitmq", file: "rabbitmq.Dockerfile", instead: "Debian's RabbitMQ" },
    Recipe { repository: "caddy", file: "caddy.Dockerfile", instead: "Debian's Caddy" },
    Recipe {
        repository: "axllent/mailpit",
        file: "mailpit.Dockerfile",
        instead: "aiosmtpd, which prints mail",
    },
];

/// The image in which `sam local` runs functions.
const LAMBDA: Recipe = Recipe {
    repository: "public.ecr.aws/lambda/provided",
    file: "lambda.Dockerfile",
    instead: "Debian with Lambda's folders",
};

/// The required images, by name and tag.
pub(super) struct Images {
    base: String,
    others: Vec<(String, &'static Recipe)>,
}

impl Images {
    /// Reads the names of the images from docker-compose.yml and the Dockerfile.
    pub(super) fn of(bench: &Bench<'_>) -> Result<Self> {
        let read = |file: &str| {
            fs::read_to_string(bench.workspace.resolve(file)).with_context(|| format!("read {file}"))
        };
        let files = read("docker-compose.yml")? + &read("Dockerfile")?;
        let named = |repository: &str| {
            named(&files, repository).with_context(|| format!("no file names {repository}"))
        };
        let mut others = vec![(lambda_image(), &LAMBDA)];
        for recipe in &RECIPES {
            others.push((named(recipe.repository)?, recipe));
        }
        Ok(Self { base: named(BASE)?, others })
    }

    /// Pulls or builds the images, and returns whether all are available.
    pub(super) fn provide(&self, bench: &Bench<'_>, report: &mut Report) -> bool {
        obtain(bench, report, &self.base, "debootstrap", || bootstrap(bench, &self.base))
            && self.others.iter().all(|(image, recipe)| {
                obtain(bench, report, image, recipe.instead, || recipe.build(bench, image))
            })
    }
}

/// Returns the image that `sam local` runs.
fn lambda_image() -> String {
    let architecture = if cfg!(target_arch = "aarch64") { "arm64" } else { "x86_64" };
    format!("{}:al2023-{architecture}", LAMBDA.repository)
}

/// Finds the first `REPOSITORY:TAG` in a text.
fn named(text: &str, repository: &str) -> Option<String> {
    let is_it = |word: &&str| {
        let tag = word.strip_prefix(repository).and_then(|rest| rest.strip_prefix(':'));
        tag.is_some_and(|tag| !tag.is_empty())
    };
    text.split_whitespace().find(is_it).map(str::to_owned)
}

/// Pulls an image. If that fails and the daemon is private, builds a stand-in under the same name. The images of a
/// daemon that was already running are never replaced.
fn obtain(
    bench: &Bench<'_>,
    report: &mut Report,
    image: &str,
    instead: &str,
    build: impl FnOnce() -> Result<()>,
) -> bool {
    let pulled = bench.docker.docker(["pull", "--quiet", image]);
    let pulled = pulled.and_then(|mut pull| bench.outputs.run(&log_name("pull", image), LONG, &mut pull));
    match pulled {
        Ok(_) => report.run(format!("image {image}"), || Ok(())),
        Err(_) if bench.docker.is_private() => report.run(format!("stand-in for {image}: {instead}"), build),
        Err(error) => report.run(format!("image {image}"), || Err(error)),
    }
}

impl Recipe {
    fn build(&self, bench: &Bench<'_>, image: &str) -> Result<()> {
        let context = bench.outputs.folder().join("stand-in");
        fs::create_dir_all(&context)?;
        fs::copy(bench.workspace.target().join("debug/orderflow"), context.join("orderflow"))
            .context("copy the program")?;
        let file = bench.workspace.resolve("docker/stand-ins").join(self.file);
        let mut build = bench.docker.docker(["build", "--tag", image, "--file"])?;
        bench.outputs.run(&log_name("build", image), LONG, build.arg(file).arg(&context))?;
        Ok(())
    }
}

/// Builds an image of a minimal Debian system.
fn bootstrap(bench: &Bench<'_>, image: &str) -> Result<()> {
    let mut inspect = bench.docker.docker(["image", "inspect", image])?;
    if bench.outputs.run("inspect-base", SHORT, &mut inspect).is_ok() {
        return Ok(());
    }
    let folder = bench.outputs.folder().join("base");
    let mut debootstrap = bench.workspace.program("debootstrap");
    debootstrap.args(["--variant=minbase", "--include=ca-certificates", RELEASE]).arg(&folder).arg(MIRROR);
    bench.docker.connect(&mut debootstrap, &[])?;
    ensure!(!folder.exists(), "{} is left over from an interrupted run: remove it", folder.display());
    let made = bench.outputs.run("debootstrap", LONG, &mut debootstrap).and_then(|_| {
        let mut import = bench.workspace.program("sh");
        import
            .args(["-c", "tar --directory \"$0\" --create . | docker import - \"$1\""])
            .arg(&folder)
            .arg(image);
        bench.docker.connect(&mut import, &[])?;
        bench.outputs.run("import-base", LONG, &mut import)
    });
    fs::remove_dir_all(&folder).with_context(|| format!("remove {}", folder.display()))?;
    made.map(|_| ())
}

fn log_name(verb: &str, image: &str) -> String {
    format!("{verb}-{}", image.replace(['/', ':'], "-"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_image_is_distinguished_from_a_service_with_the_same_name() {
        let files = "  rabbitmq:\n    image: rabbitmq:4.1-management\nFROM debian:bookworm-slim\n";
        assert_eq!(named(files, "rabbitmq").as_deref(), Some("rabbitmq:4.1-management"));
        assert_eq!(named(files, "debian").as_deref(), Some("debian:bookworm-slim"));
        assert_eq!(named(files, "bookworm-slim"), None);
    }
}
