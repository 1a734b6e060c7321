//! The test suites, and the tools that each needs.

use anyhow::Result;

use crate::parity::PassedTests;
use crate::report::Report;
use crate::shell;
use crate::tools::{Readiness, Tool, Toolbox};
use crate::workspace::Workspace;

/// The cargo features that enable the tests that need tools.
pub(crate) const TOOL_FEATURES: &str = "orderflow-testing/rie,orderflow-tests/rie,orderflow/rabbitmq,\
     orderflow/ministack,orderflow/browser,orderflow/contract,orderflow-bridge/rabbitmq,orderflow-testing/rabbitmq,\
     orderflow-tests/rabbitmq,orderflow-tests/stripe,orderflow-notifications/providers";

/// A set of tests that run together.
struct Suite {
    name: &'static str,
    needs: &'static [Tool],
    /// The arguments of the cargo commands that build and run it, in order.
    steps: &'static [&'static [&'static str]],
}

/// Every step selects the whole workspace, so that cargo resolves the features of dependencies the same way each time
/// and builds them once.
const SUITES: &[Suite] = &[
    Suite { name: "workspace", needs: &[], steps: &[&["test", "--workspace", "--locked", "--no-fail-fast"]] },
    Suite {
        name: "emulators",
        needs: &[Tool::SamCli, Tool::MiniStack],
        steps: &[&["test", "--workspace", "--locked", "--features", TOOL_FEATURES, "--test", "emulators"]],
    },
    Suite {
        name: "bundles",
        needs: &[Tool::SamCli, Tool::MiniStack, Tool::RabbitMq],
        steps: &[
            &["build", "--workspace", "--locked", "--features", TOOL_FEATURES, "--bins", "--tests"],
            &["test", "--workspace", "--locked", "--features", TOOL_FEATURES, "--test", "bundles"],
        ],
    },
    Suite {
        name: "sqs",
        needs: &[Tool::MiniStack],
        steps: &[&["test", "--workspace", "--locked", "--features", TOOL_FEATURES, "--test", "sqs"]],
    },
    Suite {
        name: "ministack",
        needs: &[Tool::MiniStack, Tool::RabbitMq],
        steps: &[
            &["test", "--workspace", "--locked", "--features", TOOL_FEATURES, "--test", "ministack"],
            &[
                "test",
                "--workspace",
                "--locked",
                "--features",
                TOOL_FEATURES,
                "--test",
                "program",
                "customers_ministack::",
            ],
        ],
    },
    Suite {
        name: "scenarios",
        needs: &[Tool::MiniStack, Tool::RabbitMq],
        steps: &[&["test", "--workspace", "--locked", "--features", TOOL_FEATURES, "--test", "scenarios"]],
    },
    Suite {
        name: "stripe",
        needs: &[Tool::LocalStripe],
        steps: &[&["test", "--workspace", "--locked", "--features", TOOL_FEATURES, "--test", "stripe"]],
    },
    Suite {
        name: "providers",
        needs: &[Tool::Aiosmtpd, Tool::MiniStack],
        steps: &[&["test", "--workspace", "--locked", "--features", TOOL_FEATURES, "--test", "providers"]],
    },
    Suite {
        name: "browser",
        needs: &[Tool::ChromeDriver, Tool::Caddy, Tool::Npm],
        steps: &[&[
            "test",
            "--workspace",
            "--locked",
            "--features",
            TOOL_FEATURES,
            "--test",
            "program",
            "--",
            "console",
            "docs_page",
            "hostile_page",
        ]],
    },
    Suite {
        name: "contract",
        needs: &[Tool::Schemathesis],
        steps: &[&[
            "test",
            "--workspace",
            "--locked",
            "--features",
            TOOL_FEATURES,
            "--test",
            "program",
            "contract::",
        ]],
    },
    Suite {
        name: "rabbitmq",
        needs: &[Tool::RabbitMq],
        steps: &[
            &["test", "--workspace", "--locked", "--features", TOOL_FEATURES, "--test", "rabbitmq"],
            &[
                "test",
                "--workspace",
                "--locked",
                "--features",
                TOOL_FEATURES,
                "--test",
                "program",
                "customers_rabbitmq::",
            ],
            // The blocks of the documents that need a broker.
            &["test", "--workspace", "--locked", "--features", TOOL_FEATURES, "--test", "pages", "broker"],
        ],
    },
];

/// Selects the suites to run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Scope {
    /// Suites that need no tool.
    RustOnly,
    /// All suites.
    Everything,
}

impl Scope {
    fn includes(self, suite: &Suite) -> bool {
        self == Self::Everything || suite.needs.is_empty()
    }
}

/// Runs the suites one after the other, also when an earlier one failed, and returns the tests that passed.
pub(crate) fn run_all(
    workspace: &Workspace,
    toolbox: &Toolbox,
    scope: Scope,
    report: &mut Report,
) -> PassedTests {
    let mut passed = PassedTests::default();
    for suite in SUITES.iter().filter(|suite| scope.includes(suite)) {
        match toolbox.prepare(suite.needs, report) {
            Readiness::Ready => {
                report.run(suite.name, || suite.run(workspace, toolbox, &mut passed));
            }
            Readiness::Missing(tools) => report.skip(suite.name, Tool::missing(&tools)),
            // The report already has a failed row for it.
            Readiness::InstallFailed => {}
        }
    }
    passed
}

/// Runs the tests of one package.
pub(crate) fn run_package(workspace: &Workspace, package: &str) -> Result<()> {
    shell::run(&mut workspace.cargo(&["test", "--package", package, "--locked", "--no-fail-fast"]))
}

impl Suite {
    fn run(&self, workspace: &Workspace, toolbox: &Toolbox, passed: &mut PassedTests) -> Result<()> {
        for step in self.steps {
            let mut command = workspace.cargo(step);
            command.env("ORDERFLOW_BUNDLES", workspace.target().join("debug"));
            for tool in self.needs {
                if let (Some(variable), Some(path)) = (tool.variable(), toolbox.find(*tool)) {
                    command.env(variable, path);
                }
            }
            shell::run_read(&mut command, |line| passed.note(line))?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    #[test]
    fn every_step_uses_the_lock_file() {
        for suite in SUITES {
            for step in suite.steps {
                assert!(step.contains(&"--locked"), "{}: {step:?}", suite.name);
            }
        }
    }

    #[test]
    fn some_suite_runs_each_module_of_the_program_tests_that_needs_a_tool() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../cli/tests/program");
        let main = std::fs::read_to_string(folder.join("main.rs")).unwrap();
        let steps: Vec<&str> = SUITES.iter().flat_map(|suite| suite.steps.concat()).collect();
        let gated = main.split("#[cfg(feature").skip(1).filter_map(|rest| rest.split(['\n', ';']).nth(1));
        let mut checked = 0;
        for module in gated.filter_map(|line| line.strip_prefix("mod ")) {
            let text = std::fs::read_to_string(folder.join(module).with_extension("rs")).unwrap_or_default();
            if text.contains("::test") || text.contains("#[test]") {
                assert!(
                    steps.iter().any(|step| step.trim_end_matches("::") == module),
                    "no suite runs {module}"
                );
                checked += 1;
            }
        }
        assert!(checked > 1, "{checked} modules");
    }

    #[test]
    fn the_quick_scope_runs_only_suites_without_tools() {
        let quick: Vec<&str> =
            SUITES.iter().filter(|suite| Scope::RustOnly.includes(suite)).map(|suite| suite.name).collect();
        assert_eq!(quick, ["workspace"]);
    }
}
