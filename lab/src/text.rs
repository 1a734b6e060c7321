//! The figures of a measurement as text.

use std::fmt::{self, Write as _};

use crate::result::{Measured, Outcomes};
use crate::statistics::Quantiles;

impl Measured {
    /// Returns in one line under which conditions the figures hold.
    pub(crate) fn conditions(&self) -> String {
        let load = match self.rate_per_s {
            Some(rate) => format!("open loop, {rate} orders/s planned"),
            None => format!("closed loop, {} clients", self.clients),
        };
        let stored = match self.stored_orders {
            0 => String::new(),
            stored => format!(", {stored} stored orders"),
        };
        format!("{}, {}{stored}, {load}, {} cores", self.scenario, self.shop, self.cores)
    }
}

impl fmt::Display for Measured {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}\n", self.conditions())?;
        self.write_orders(f)?;
        self.write_latencies(f)?;
        self.write_processes(f)?;
        for remark in &self.remarks {
            write!(f, "\n\nnote: {remark}")?;
        }
        if self.interrupted {
            f.write_str("\n\nnote: a signal ended the measurement early")?;
        }
        Ok(())
    }
}

impl Measured {
    fn write_orders(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Outcomes { confirmed, rejected, cancelled } = self.outcomes;
        let mut ends = String::new();
        for (count, name) in [(confirmed, "confirmed"), (rejected, "rejected"), (cancelled, "cancelled")] {
            if count > 0 {
                write!(ends, ", {count} {name}")?;
            }
        }
        writeln!(f, "{:<14}{} accepted, {} completed{ends}", "orders", self.accepted, self.completed)?;
        for (why, count) in &self.refused {
            writeln!(f, "{:<14}{count} x {why}", "refused")?;
        }
        writeln!(f, "{:<14}{:.1} orders/s in {:.1} s", "accepted", self.accepted_per_s, self.load_s)?;
        writeln!(f, "{:<14}{:.1} orders/s in {:.1} s\n", "completed", self.completed_per_s, self.total_s)
    }

    fn write_latencies(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{:<14}{:>10}{:>10}{:>10}{:>10}", "latency, ms", "p50", "p90", "p99", "max")?;
        for (name, quantiles) in [("POST", &self.post_ms), ("to notified", &self.end_to_end_ms)] {
            if let Some(Quantiles { p50, p90, p99, max }) = quantiles {
                writeln!(f, "{name:<14}{p50:>10.1}{p90:>10.1}{p99:>10.1}{max:>10.1}")?;
            }
        }
        Ok(())
    }

    fn write_processes(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let cpu = |cpu: Option<f64>| cpu.map_or_else(|| "-".to_owned(), |cpu| format!("{cpu:.2}"));
        write!(f, "\n{:<24}{:>14}{:>14}", "process", "CPU ms/order", "peak MiB")?;
        for process in &self.processes {
            let name = format!("{} {}", process.name, process.pid);
            write!(f, "\n{name:<24}{:>14}{:>14.1}", cpu(process.cpu_ms_per_order), process.peak_rss_mib)?;
        }
        if self.processes.len() > 1 {
            write!(f, "\n{:<24}{:>14}", "together", cpu(self.cpu_ms_per_order))?;
        }
        let own = &self.load_generator;
        write!(f, "\n{:<24}{:>14}{:>14.1}", "(load generator)", cpu(own.cpu_ms_per_order), own.peak_rss_mib)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::result::tests::{conditions, observations};

    #[test]
    fn the_report_needs_no_other_file_and_no_script() {
        let mut observations = observations();
        observations.orders.refused.insert("<script>503".to_owned(), 1);
        let report = Measured::new(conditions(), &observations).report();
        assert_eq!(report.matches("<svg").count(), 3, "{report}");
        for forbidden in ["<script", "http:", "https:", "src=", "href=", "NaN"] {
            assert!(!report.contains(forbidden), "{forbidden}: {report}");
        }
        assert!(report.contains("hot-sku, rabbitmq") && report.contains("&lt;script&gt;503"), "{report}");
    }

    #[test]
    fn the_text_names_every_process() {
        let text = Measured::new(conditions(), &observations()).to_string();
        for part in [
            "hot-sku, rabbitmq, closed loop, 2 clients",
            "3 completed",
            "p 2 ",
            "together",
            "(load generator)",
        ] {
            assert!(text.contains(part), "{part}: {text}");
        }
    }
}
