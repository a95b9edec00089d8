//! The picture of a payment's money: bill, gateway, receipt, refund, each with its amount and a word.

use askama::Template;

/// A box of the picture.
pub(crate) struct Step {
    pub(crate) class: &'static str,
    pub(crate) name: String,
    pub(crate) amount: String,
    pub(crate) word: String,
}

struct Drawn<'a> {
    step: &'a Step,
    top: usize,
    is_last: bool,
}

#[derive(Template)]
#[template(path = "flow.svg.html")]
struct Picture<'a> {
    title: &'a str,
    description: String,
    height: usize,
    steps: Vec<Drawn<'a>>,
}

const BOX: usize = 76;
const STRIDE: usize = 108;

pub(crate) fn picture(title: &str, steps: &[Step]) -> Result<String, askama::Error> {
    let said = steps.iter().map(|step| format!("{}: {} {}", step.name, step.amount, step.word));
    let drawn = |(nth, step)| Drawn { step, top: 2 + nth * STRIDE, is_last: nth + 1 == steps.len() };
    let picture = Picture {
        title,
        description: said.collect::<Vec<_>>().join(". "),
        height: steps.len() * STRIDE - (STRIDE - BOX) + 4,
        steps: steps.iter().enumerate().map(drawn).collect(),
    };
    picture.render()
}
