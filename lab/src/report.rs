//! The report of a measurement: one HTML file with plots, which loads nothing and runs no script.

use std::fmt::Write as _;

use crate::Measured;
use crate::plot::{Line, Plot, Scale, escaped};
use crate::statistics::{Latencies, Quantiles};

const STYLE: &str = "\
:root { color-scheme: light dark; --text: #1b1f24; --muted: #59636e; --grid: #d8dee4; --page: #ffffff; }
@media (prefers-color-scheme: dark) { :root { --text: #e6edf3; --muted: #9198a1; --grid: #30363d; --page: #0d1117; } }
body { font: 15px/1.5 system-ui, sans-serif; max-width: 800px; margin: 2rem auto; padding: 0 1rem; color: var(--text); background: var(--page); }
table { border-collapse: collapse; margin: 1rem 0; }
td, th { padding: .25rem .8rem .25rem 0; text-align: right; border-bottom: 1px solid var(--grid); font-variant-numeric: tabular-nums; }
td:first-child, th:first-child { text-align: left; }
svg { width: 100%; height: auto; }
svg text { font-size: 12px; fill: var(--muted); }
.grid { stroke: var(--grid); }
.middle { text-anchor: middle; }
.end { text-anchor: end; }
polyline, line { fill: none; stroke-width: 1; }
.line0, .line1, .line2, .line3 { stroke-width: 2; fill: none; }
.line0 { stroke: #2f81f7; }
.line1 { stroke: #d29922; }
.line2 { stroke: #3fb950; }
.line3 { stroke: #db61a2; }
";

/// The shares of the plot of latencies by percentile, evenly spaced by how rare slower orders are.
const PERCENTILES: [(f64, f64, &str); 5] =
    [(0.0, 0.0, "0"), (1.0, 0.9, "90"), (2.0, 0.99, "99"), (3.0, 0.999, "99.9"), (4.0, 0.9999, "99.99 %")];

impl Measured {
    /// Returns the report: a page of HTML that needs no other file.
    #[must_use]
    pub fn report(&self) -> String {
        let mut page = format!(
            "<!doctype html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">\n<meta name=\"viewport\" content=\"width=device-width\">\n\
             <title>orderflow bench: {title}</title>\n<style>\n{STYLE}</style>\n<h1>orderflow bench</h1>\n<p>{title}</p>\n",
            title = escaped(&self.conditions()),
        );
        self.write_figures(&mut page);
        section(&mut page, "Orders a second", &self.plot_of_rates().svg());
        section(&mut page, "Latency by percentile", &self.plot_of_percentiles().svg());
        section(&mut page, "Latency over time", &self.plot_of_latencies().svg());
        self.write_processes_table(&mut page);
        for remark in &self.remarks {
            push(&mut page, format_args!("<p>Note: {}.</p>", escaped(remark)));
        }
        page.push_str("</html>\n");
        page
    }

    fn write_figures(&self, page: &mut String) {
        page.push_str(
            "<h2>Figures</h2>\n<table>\n<tr><th></th><th>orders</th><th>a second</th><th>in s</th></tr>\n",
        );
        for (name, count, rate, seconds) in [
            ("accepted", self.accepted, self.accepted_per_s, self.load_s),
            ("completed", self.completed, self.completed_per_s, self.total_s),
        ] {
            push(
                page,
                format_args!(
                    "<tr><td>{name}</td><td>{count}</td><td>{rate:.1}</td><td>{seconds:.1}</td></tr>"
                ),
            );
        }
        for (why, count) in &self.refused {
            push(
                page,
                format_args!("<tr><td>refused: {}</td><td>{count}</td><td></td><td></td></tr>", escaped(why)),
            );
        }
        page.push_str("</table>\n<table>\n<tr><th>latency, ms</th><th>p50</th><th>p90</th><th>p99</th><th>max</th></tr>\n");
        for (name, quantiles) in [("POST", &self.post_ms), ("POST to notified", &self.end_to_end_ms)] {
            if let Some(Quantiles { p50, p90, p99, max }) = quantiles {
                push(
                    page,
                    format_args!(
                        "<tr><td>{name}</td><td>{p50:.1}</td><td>{p90:.1}</td><td>{p99:.1}</td><td>{max:.1}</td></tr>"
                    ),
                );
            }
        }
        page.push_str("</table>\n");
    }

    fn write_processes_table(&self, page: &mut String) {
        page.push_str("<h2>Processes</h2>\n<table>\n<tr><th>process</th><th>CPU ms an order</th><th>peak MiB</th></tr>\n");
        let cpu = |cpu: Option<f64>| cpu.map_or_else(|| "-".to_owned(), |cpu| format!("{cpu:.2}"));
        for process in &self.processes {
            let (name, memory) = (escaped(&process.name), process.peak_rss_mib);
            let (pid, cpu) = (process.pid, cpu(process.cpu_ms_per_order));
            push(page, format_args!("<tr><td>{name} {pid}</td><td>{cpu}</td><td>{memory:.1}</td></tr>"));
        }
        let own = &self.load_generator;
        let (cpu, memory) = (cpu(own.cpu_ms_per_order), own.peak_rss_mib);
        push(
            page,
            format_args!("<tr><td>(load generator)</td><td>{cpu}</td><td>{memory:.1}</td></tr>\n</table>"),
        );
    }

    fn plot_of_rates(&self) -> Plot {
        let title = format!(
            "Orders a second over time: {:.1} accepted and {:.1} completed on average",
            self.accepted_per_s, self.completed_per_s
        );
        let lines = self.series.rates();
        Plot {
            title,
            x_label: "seconds",
            y_label: "orders/s",
            y_scale: Scale::Linear,
            x_marks: Vec::new(),
            lines,
        }
    }

    fn plot_of_latencies(&self) -> Plot {
        let title =
            "Median and 99 % quantile of the latencies, by the time at which orders were placed".to_owned();
        let lines = self.series.latencies();
        Plot {
            title,
            x_label: "seconds",
            y_label: "ms",
            y_scale: Scale::Logarithmic,
            x_marks: Vec::new(),
            lines,
        }
    }

    fn plot_of_percentiles(&self) -> Plot {
        let title = "Latency that a share of the orders does not exceed".to_owned();
        let lines = vec![
            percentiles("POST", &self.series.all_post),
            percentiles("POST to notified", &self.series.all_end_to_end),
        ];
        let x_marks = PERCENTILES.iter().map(|(at, _, label)| (*at, (*label).to_owned())).collect();
        Plot {
            title,
            x_label: "percent of orders",
            y_label: "ms",
            y_scale: Scale::Logarithmic,
            x_marks,
            lines,
        }
    }
}

/// Returns the latencies by percentile, up to the one that a single order decides.
fn percentiles(name: &'static str, latencies: &Latencies) -> Line {
    let points = (0..=80_u32).map(|step| f64::from(step) / 20.0);
    let points = points.filter_map(|at| {
        let share = 1.0 - 10_f64.powf(-at);
        Some((at, latencies.at(share)?))
    });
    Line { name, points: points.collect() }
}

fn section(page: &mut String, title: &str, content: &str) {
    push(page, format_args!("<h2>{title}</h2>\n{content}"));
}

fn push(page: &mut String, text: std::fmt::Arguments<'_>) {
    // Writing to a String cannot fail.
    let _written = writeln!(page, "{text}");
}
