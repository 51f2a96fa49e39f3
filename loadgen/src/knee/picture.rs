//! The curve as a picture: goodput over what is asked for, both as shares of the peak.

use plotters::prelude::*;

use super::curve::Curve;

/// Size of the picture, pixels.
const SIZE: (u32, u32) = (900, 520);

/// A colour for each policy, that people with the common kinds of colour blindness tell apart (Okabe and Ito, 2008).
const COLOURS: [RGBColor; 3] = [RGBColor(0, 114, 178), RGBColor(213, 94, 0), RGBColor(0, 158, 115)];

/// Draws the medians of all policies, as SVG.
pub(super) fn draw(curves: &[Curve], times: &[f64], slo_ms: u64) -> Result<String, String> {
    let mut svg = String::new();
    draw_into(&mut svg, curves, times, slo_ms).map_err(|error| error.to_string())?;
    Ok(svg)
}

fn draw_into(
    svg: &mut String,
    curves: &[Curve],
    times: &[f64],
    slo_ms: u64,
) -> Result<(), Box<dyn std::error::Error>> {
    let most = times.iter().copied().fold(1.0, f64::max);
    let lines: Vec<(&str, Vec<(f64, f64)>)> =
        curves.iter().map(|curve| (curve.policy.name(), curve.shares_of_peak(times))).collect();
    let highest = lines.iter().flat_map(|(_, points)| points).map(|(_, share)| *share).fold(100.0, f64::max);
    let root = SVGBackend::with_string(svg, SIZE).into_drawing_area();
    root.fill(&WHITE)?;
    let mut chart = ChartBuilder::on(&root)
        .caption(format!("Answered within {slo_ms} ms, of what is asked for"), ("sans-serif", 22))
        .margin(16)
        .x_label_area_size(48)
        .y_label_area_size(64)
        .build_cartesian_2d(0.0..most * 1.02, 0.0..highest * 1.1)?;
    chart
        .configure_mesh()
        .x_desc("asked for, times the peak")
        .y_desc("answered in time, % of the peak")
        .label_style(("sans-serif", 15))
        .axis_desc_style(("sans-serif", 16))
        .light_line_style(WHITE)
        .bold_line_style(RGBColor(225, 225, 225))
        .draw()?;
    let grey = RGBColor(150, 150, 150);
    let ideal = [(0.0, 0.0), (1.0, 100.0), (most, 100.0)];
    chart
        .draw_series(DashedLineSeries::new(ideal, 6, 4, grey.stroke_width(1)))?
        .label("no loss at all")
        .legend(move |(x, y)| PathElement::new([(x, y), (x + 22, y)], grey));
    for ((name, points), colour) in lines.into_iter().zip(COLOURS.into_iter().cycle()) {
        chart.draw_series(points.iter().map(|point| Circle::new(*point, 4, colour.filled())))?;
        chart
            .draw_series(LineSeries::new(points, colour.stroke_width(3)))?
            .label(name)
            .legend(move |(x, y)| PathElement::new([(x, y), (x + 22, y)], colour.stroke_width(3)));
    }
    chart
        .configure_series_labels()
        .position(SeriesLabelPosition::LowerRight)
        .background_style(WHITE.mix(0.85))
        .border_style(RGBColor(200, 200, 200))
        .label_font(("sans-serif", 16))
        .draw()?;
    root.present()?;
    Ok(())
}
