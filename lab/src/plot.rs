//! Line plots as SVG, without scripts.

use std::fmt::Write as _;

const WIDTH: f64 = 760.0;
const HEIGHT: f64 = 300.0;
const LEFT: f64 = 64.0;
const RIGHT: f64 = 16.0;
const TOP: f64 = 16.0;
const BOTTOM: f64 = 44.0;

/// How values become positions along an axis.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Scale {
    /// From zero.
    Linear,
    /// Powers of ten.
    Logarithmic,
}

/// A line of a plot.
#[derive(Debug, Clone)]
pub(crate) struct Line {
    pub name: &'static str,
    pub points: Vec<(f64, f64)>,
}

/// A plot with lines over one pair of axes.
#[derive(Debug, Clone)]
pub(crate) struct Plot {
    /// What the plot shows, for those who cannot see it.
    pub title: String,
    pub x_label: &'static str,
    pub y_label: &'static str,
    pub y_scale: Scale,
    /// The marks of the x axis with their labels; empty for round numbers.
    pub x_marks: Vec<(f64, String)>,
    pub lines: Vec<Line>,
}

/// An axis: the values at its ends, and its marks.
struct Axis {
    first: f64,
    last: f64,
    scale: Scale,
    marks: Vec<(f64, String)>,
}

impl Axis {
    fn linear(last: f64) -> Self {
        let step = round_step(last / 5.0);
        let count = (last / step).ceil().max(1.0);
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "an axis has about five marks"
        )]
        let marks =
            (0..=count as u32).map(|mark| f64::from(mark) * step).map(|at| (at, number(at))).collect();
        Self { first: 0.0, last: count * step, scale: Scale::Linear, marks }
    }

    fn logarithmic(least: f64, last: f64) -> Self {
        let (first, last) = (least.max(0.001).log10().floor(), last.max(0.001).log10().ceil());
        let last = if last > first { last } else { first + 1.0 };
        #[expect(clippy::cast_possible_truncation, reason = "exponents of latencies are small")]
        let powers = first as i32..=last as i32;
        let marks = powers.map(|power| 10_f64.powi(power)).map(|at| (at, number(at))).collect();
        Self { first: 10_f64.powf(first), last: 10_f64.powf(last), scale: Scale::Logarithmic, marks }
    }

    /// Returns the position of a value along the axis, from 0 to 1.
    fn position(&self, value: f64) -> f64 {
        let map = |value: f64| match self.scale {
            Scale::Linear => value,
            Scale::Logarithmic => value.max(self.first).log10(),
        };
        let (first, last) = (map(self.first), map(self.last));
        ((map(value) - first) / (last - first)).clamp(0.0, 1.0)
    }
}

/// Returns the next of 1, 2, 5, 10, 20, 50 and so on.
fn round_step(step: f64) -> f64 {
    if !step.is_finite() || step <= 0.0 {
        return 1.0;
    }
    let power = 10_f64.powf(step.log10().floor());
    let factor = [1.0, 2.0, 5.0, 10.0].into_iter().find(|factor| factor * power >= step * 0.999_999);
    factor.unwrap_or(10.0) * power
}

/// Writes a number without digits that say nothing.
fn number(value: f64) -> String {
    let text = format!("{value:.3}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

impl Plot {
    /// Returns the plot as an SVG element.
    pub(crate) fn svg(&self) -> String {
        let values = || self.lines.iter().flat_map(|line| &line.points);
        let largest = |of: fn(&(f64, f64)) -> f64| values().map(of).fold(0.0, f64::max);
        let mut x_axis = Axis::linear(largest(|point| point.0));
        if let Some((last, _)) = self.x_marks.last() {
            x_axis = Axis { first: 0.0, last: *last, scale: Scale::Linear, marks: self.x_marks.clone() };
        }
        let y_axis = match self.y_scale {
            Scale::Linear => Axis::linear(largest(|point| point.1)),
            Scale::Logarithmic => {
                let least = values().map(|point| point.1).filter(|y| *y > 0.0).fold(f64::INFINITY, f64::min);
                Axis::logarithmic(if least.is_finite() { least } else { 1.0 }, largest(|point| point.1))
            }
        };
        let mut svg = format!(
            "<svg viewBox=\"0 0 {WIDTH} {HEIGHT}\" role=\"img\"><title>{}</title>\n",
            escaped(&self.title)
        );
        self.write_axes(&mut svg, &x_axis, &y_axis);
        for (index, line) in self.lines.iter().enumerate() {
            let points: Vec<String> = line
                .points
                .iter()
                .map(|(x, y)| format!("{:.1},{:.1}", across(&x_axis, *x), up(&y_axis, *y)))
                .collect();
            push(&mut svg, format_args!("<polyline class=\"line{index}\" points=\"{}\"/>", points.join(" ")));
            let (x, y) = (LEFT + 12.0, TOP + 14.0 + 16.0 * f64::from(u32::try_from(index).unwrap_or(0)));
            push(
                &mut svg,
                format_args!(
                    "<line class=\"line{index}\" x1=\"{x}\" y1=\"{0}\" x2=\"{1}\" y2=\"{0}\"/>",
                    y - 4.0,
                    x + 18.0
                ),
            );
            push(&mut svg, format_args!("<text x=\"{}\" y=\"{y}\">{}</text>", x + 24.0, escaped(line.name)));
        }
        svg.push_str("</svg>\n");
        svg
    }

    fn write_axes(&self, svg: &mut String, x_axis: &Axis, y_axis: &Axis) {
        let (bottom, right) = (HEIGHT - BOTTOM, WIDTH - RIGHT);
        for (value, label) in &y_axis.marks {
            let y = up(y_axis, *value);
            push(
                svg,
                format_args!(
                    "<line class=\"grid\" x1=\"{LEFT}\" y1=\"{y:.1}\" x2=\"{right}\" y2=\"{y:.1}\"/>"
                ),
            );
            push(
                svg,
                format_args!(
                    "<text class=\"end\" x=\"{}\" y=\"{:.1}\">{}</text>",
                    LEFT - 8.0,
                    y + 4.0,
                    escaped(label)
                ),
            );
        }
        for (value, label) in &x_axis.marks {
            let x = across(x_axis, *value);
            push(
                svg,
                format_args!(
                    "<line class=\"grid\" x1=\"{x:.1}\" y1=\"{TOP}\" x2=\"{x:.1}\" y2=\"{bottom}\"/>"
                ),
            );
            push(
                svg,
                format_args!(
                    "<text class=\"middle\" x=\"{x:.1}\" y=\"{}\">{}</text>",
                    bottom + 16.0,
                    escaped(label)
                ),
            );
        }
        let (middle_x, middle_y) = (LEFT.midpoint(right), TOP.midpoint(bottom));
        push(
            svg,
            format_args!(
                "<text class=\"middle\" x=\"{middle_x}\" y=\"{}\">{}</text>",
                HEIGHT - 8.0,
                self.x_label
            ),
        );
        push(
            svg,
            format_args!(
                "<text class=\"middle\" transform=\"translate(14 {middle_y}) rotate(-90)\">{}</text>",
                self.y_label
            ),
        );
    }
}

fn across(axis: &Axis, value: f64) -> f64 {
    LEFT + axis.position(value) * (WIDTH - LEFT - RIGHT)
}

fn up(axis: &Axis, value: f64) -> f64 {
    HEIGHT - BOTTOM - axis.position(value) * (HEIGHT - TOP - BOTTOM)
}

fn push(svg: &mut String, element: std::fmt::Arguments<'_>) {
    // Writing to a String cannot fail.
    let _written = writeln!(svg, "{element}");
}

/// Escapes text for HTML and SVG.
pub(crate) fn escaped(text: &str) -> String {
    text.chars()
        .map(|character| match character {
            '&' => "&amp;".to_owned(),
            '<' => "&lt;".to_owned(),
            '>' => "&gt;".to_owned(),
            '"' => "&quot;".to_owned(),
            other => other.to_string(),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plot(y_scale: Scale, points: &[(f64, f64)]) -> String {
        let lines = vec![Line { name: "a<b", points: points.to_vec() }];
        let title = "A & B".to_owned();
        Plot { title, x_label: "x", y_label: "y", y_scale, x_marks: Vec::new(), lines }.svg()
    }

    #[test]
    fn every_point_lies_inside_of_the_axes() {
        for scale in [Scale::Linear, Scale::Logarithmic] {
            for points in [&[(0.0, 1.0), (10.0, 480.5)][..], &[(0.0, 0.0)], &[], &[(1.0, 1e-9), (2.0, 1e9)]] {
                let svg = plot(scale, points);
                assert!(!svg.contains("NaN") && !svg.contains("inf"), "{svg}");
                let drawn = svg.split("points=\"").nth(1).unwrap().split('"').next().unwrap();
                for point in drawn.split_whitespace() {
                    let (x, y) = point.split_once(',').unwrap();
                    let (x, y): (f64, f64) = (x.parse().unwrap(), y.parse().unwrap());
                    assert!((LEFT..=WIDTH).contains(&x) && (0.0..=HEIGHT).contains(&y), "{point}");
                }
            }
        }
    }

    #[test]
    fn text_is_escaped() {
        let svg = plot(Scale::Linear, &[(1.0, 1.0)]);
        assert!(svg.contains("<title>A &amp; B</title>") && svg.contains(">a&lt;b<"), "{svg}");
    }

    #[test]
    fn marks_are_round() {
        for (largest, last, count) in [(480.0, 500.0, 6), (0.7, 0.8, 5), (0.0, 1.0, 2)] {
            let axis = Axis::linear(largest);
            assert!((axis.last - last).abs() < 1e-9, "{largest}: {}", axis.last);
            assert_eq!(axis.marks.len(), count, "{largest}: {:?}", axis.marks);
        }
        let labels: Vec<_> = Axis::logarithmic(0.5, 300.0).marks.into_iter().map(|mark| mark.1).collect();
        assert_eq!(labels, ["0.1", "1", "10", "100", "1000"]);
    }
}
