//! Plots as SVG: readable in black and white by patterns, dashes and labels; coordinates are whole numbers.

use askama::Template;

/// The place of the drawing within its 600 × 300 points.
const LEFT: i64 = 96;
const RIGHT: i64 = 590;
const TOP: i64 = 12;
const BOTTOM: i64 = 214;
/// The legend has so many names in a line.
const NAMES_IN_A_LINE: i64 = 3;
const LINE_HEIGHT: i64 = 22;
const LEGEND_TOP: i64 = 254;
/// More series cannot be told apart: the rest is one.
pub(crate) const SERIES: usize = 6;
/// Labels below the drawing.
const LABELS: usize = 8;
const LONGEST_NAME: usize = 22;

/// A row of values, one for each place; `None` where there is none.
pub(crate) struct Series {
    pub(crate) name: String,
    pub(crate) values: Vec<Option<i64>>,
}

pub(crate) struct Plot<'a> {
    /// Unique on the page.
    pub(crate) id: &'static str,
    pub(crate) title: String,
    pub(crate) description: String,
    /// A label for each place.
    pub(crate) places: Vec<String>,
    /// At most [`SERIES`].
    pub(crate) series: Vec<Series>,
    /// The least end of the axis.
    pub(crate) at_least: i64,
    /// Writes a value of the axis.
    pub(crate) unit: &'a dyn Fn(i64) -> String,
}

#[derive(Template)]
#[template(path = "plot.svg.html")]
struct Drawing<'a> {
    id: &'a str,
    title: &'a str,
    description: &'a str,
    height: i64,
    ticks: Vec<Tick>,
    labels: Vec<Label>,
    bars: Vec<Bar>,
    lines: Vec<Line>,
    legend: Vec<Named>,
    are_lines: bool,
}

struct Tick {
    y: i64,
    text: String,
}

struct Label {
    x: i64,
    text: String,
}

struct Bar {
    x: i64,
    y: i64,
    width: i64,
    height: i64,
    nth: usize,
}

struct Line {
    nth: usize,
    path: String,
    points: Vec<(i64, i64)>,
}

struct Named {
    nth: usize,
    x: i64,
    y: i64,
    name: String,
}

impl Plot<'_> {
    /// A bar for each place, in which the series stand on each other.
    pub(crate) fn stacked(&self) -> Result<String, askama::Error> {
        let sums = (0..self.places.len()).map(|place| self.series.iter().map(|one| value(one, place)).sum());
        let top = nice(sums.max().unwrap_or(0).max(self.at_least));
        let step = self.step();
        let width = (step * 7 / 10).clamp(1, 60);
        let mut bars = Vec::new();
        for place in 0..self.places.len() {
            let mut below = 0;
            for (nth, one) in self.series.iter().enumerate() {
                let upto = below + value(one, place);
                let (y, foot) = (y_of(upto, top), y_of(below, top));
                if foot > y {
                    bars.push(Bar { x: self.x_of(place) - width / 2, y, width, height: foot - y, nth });
                }
                below = upto;
            }
        }
        self.draw(top, bars, Vec::new())
    }

    /// A line for each series, broken where there is no value.
    pub(crate) fn lines(&self) -> Result<String, askama::Error> {
        let all = self.series.iter().flat_map(|one| &one.values).flatten();
        let top = nice(all.copied().max().unwrap_or(0).max(self.at_least));
        let line = |(nth, one): (usize, &Series)| {
            let mut line = Line { nth, path: String::new(), points: Vec::new() };
            let mut is_new = true;
            for place in 0..self.places.len() {
                let Some(Some(value)) = one.values.get(place).copied() else {
                    is_new = true;
                    continue;
                };
                let (x, y) = (self.x_of(place), y_of(value, top));
                line.path.push_str(&format!("{}{x} {y}", if is_new { 'M' } else { 'L' }));
                line.points.push((x, y));
                is_new = false;
            }
            line
        };
        let lines = self.series.iter().enumerate().map(line).collect();
        self.draw(top, Vec::new(), lines)
    }

    fn draw(&self, top: i64, bars: Vec<Bar>, lines: Vec<Line>) -> Result<String, askama::Error> {
        let ticks = [0, top / 2, top].map(|value| Tick { y: y_of(value, top), text: (self.unit)(value) });
        let every = self.places.len().div_ceil(LABELS).max(1);
        let shown = self.places.iter().enumerate().filter(|(place, _)| place.is_multiple_of(every));
        let named = |(nth, one): (usize, &Series)| {
            let nth_name = number(nth);
            Named {
                nth,
                x: 8 + (nth_name % NAMES_IN_A_LINE) * 196,
                y: LEGEND_TOP + (nth_name / NAMES_IN_A_LINE) * LINE_HEIGHT,
                name: shortened(&one.name),
            }
        };
        let rows = number(self.series.len().max(1)).saturating_sub(1) / NAMES_IN_A_LINE + 1;
        let drawing = Drawing {
            id: self.id,
            title: &self.title,
            description: &self.description,
            height: LEGEND_TOP + rows * LINE_HEIGHT,
            ticks: ticks.into(),
            labels: shown.map(|(place, text)| Label { x: self.x_of(place), text: text.clone() }).collect(),
            are_lines: bars.is_empty(),
            bars,
            lines,
            legend: self.series.iter().enumerate().map(named).collect(),
        };
        drawing.render()
    }

    fn step(&self) -> i64 {
        (RIGHT - LEFT) / number(self.places.len().max(1))
    }

    /// The middle of a place.
    fn x_of(&self, place: usize) -> i64 {
        let places = number(self.places.len().max(1));
        LEFT + ((RIGHT - LEFT) * (2 * number(place) + 1)) / (2 * places)
    }
}

fn number(place: usize) -> i64 {
    i64::try_from(place).unwrap_or(i64::MAX)
}

fn value(series: &Series, place: usize) -> i64 {
    series.values.get(place).copied().flatten().unwrap_or(0).max(0)
}

fn y_of(value: i64, top: i64) -> i64 {
    let height = i128::from(BOTTOM - TOP) * i128::from(value.clamp(0, top)) / i128::from(top.max(1));
    BOTTOM - i64::try_from(height).unwrap_or(0)
}

/// The next larger 1, 2 or 5 with zeros.
fn nice(largest: i64) -> i64 {
    let mut step = 1_i64;
    while step < i64::MAX / 10 {
        for factor in [1, 2, 5] {
            if step * factor >= largest {
                return (step * factor).max(2);
            }
        }
        step *= 10;
    }
    largest.max(2)
}

fn shortened(name: &str) -> String {
    match name.chars().count() > LONGEST_NAME {
        true => format!("{}…", name.chars().take(LONGEST_NAME).collect::<String>()),
        false => name.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plot(names: &[&str], values: &[&[Option<i64>]]) -> Plot<'static> {
        let series = |(name, values): (&&str, &&[Option<i64>])| Series {
            name: (*name).to_owned(),
            values: values.to_vec(),
        };
        Plot {
            id: "p",
            title: "Sums <by> day".to_owned(),
            description: "Two & more".to_owned(),
            places: (0..values.first().map_or(0, |values| values.len())).map(|nth| nth.to_string()).collect(),
            series: names.iter().zip(values).map(series).collect(),
            at_least: 0,
            unit: &|value| value.to_string(),
        }
    }

    #[test]
    fn a_drawing_is_well_formed_named_and_within_its_bounds() {
        let hostile = "\"><script>alert(1)</script>' onload='x' and a very long name";
        let values: [&[Option<i64>]; 3] = [
            &[Some(0), Some(5), None, Some(i64::MAX / 8)],
            &[None, Some(-3), Some(7), Some(1)],
            &[Some(1), None, None, Some(2)],
        ];
        for drawn in [
            plot(&["AXIS", hostile, "PAYU"], &values).stacked().unwrap(),
            plot(&["AXIS", hostile, "PAYU"], &values).lines().unwrap(),
            plot(&[], &[]).stacked().unwrap(),
            plot(&[], &[]).lines().unwrap(),
        ] {
            let tree = roxmltree::Document::parse(&drawn).unwrap();
            let svg = tree.root_element();
            let text = |name: &str| {
                let found = svg.children().find(|node| node.tag_name().name() == name).unwrap();
                (found.attribute("id").unwrap().to_owned(), found.text().unwrap().to_owned())
            };
            let (title, description) = (text("title"), text("desc"));
            assert_eq!((title.1.as_str(), description.1.as_str()), ("Sums <by> day", "Two & more"));
            assert_eq!(
                svg.attribute("aria-labelledby"),
                Some(format!("{} {}", title.0, description.0).as_str())
            );
            for node in tree.descendants().filter(roxmltree::Node::is_element) {
                assert!(node.attributes().all(|a| !a.name().starts_with("on") && a.name() != "style"));
                assert_ne!(node.tag_name().name(), "script");
                if node.attribute("class").is_some_and(|class| class.contains("bar")) {
                    let number = |name: &str| node.attribute(name).unwrap().parse::<i64>().unwrap();
                    assert!(number("x") >= LEFT && number("x") + number("width") <= RIGHT, "{drawn}");
                    assert!(number("y") >= TOP && number("y") + number("height") <= BOTTOM, "{drawn}");
                }
            }
        }
    }

    #[test]
    fn the_axis_reaches_the_largest_value() {
        for (largest, top) in [(0, 2), (1, 2), (3, 5), (5, 5), (6, 10), (1_234_567, 2_000_000), (100, 100)] {
            assert_eq!(nice(largest), top, "{largest}");
        }
        assert!(nice(i64::MAX) == i64::MAX);
    }
}
