package main

import (
	"fmt"
	"image/color"
	"math"
	"os"
	"path/filepath"
	"strconv"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/plotutil"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/vgimg"
	"gonum.org/v1/plot/vg/vgsvg"
)

// panel is one drawing of the plot.
type panel struct {
	title, x, y string
	curves      []curve
	dashed      []curve // in the same colours
	linear      bool    // else both axes are logarithmic
}

// relativeTitle is the panel that all growing costs share.
const relativeTitle = "Cost per unit, to that at the smallest size: flat or falling is linear"

// relative adds curves to the panel that shows costs per unit.
func (r *figures) relative(curves ...curve) {
	var list []curve
	for _, c := range curves {
		first := c.points[0]
		to := curve{name: c.name}
		for _, p := range c.points {
			to.points = append(to.points, point{p.size / first.size, p.cost / p.size / (first.cost / first.size)})
		}
		list = append(list, to)
	}
	if n := len(r.panels); n > 0 && r.panels[n-1].title == relativeTitle {
		r.panels[n-1].curves = append(r.panels[n-1].curves, list...)
		return
	}
	r.panels = append(r.panels, panel{title: relativeTitle, x: "times the smallest size", y: "times its cost per unit", curves: list})
}

// columns is how many panels stand side by side.
const columns = 2

// paint writes the panels into a file, as SVG or PNG by its name.
func paint(panels []panel, name string) error {
	rows := (len(panels) + columns - 1) / columns
	width, height := columns*16*vg.Centimeter, vg.Length(rows)*11*vg.Centimeter
	var canvas interface {
		vg.CanvasSizer
		vg.CanvasWriterTo
	}
	switch filepath.Ext(name) {
	case ".svg":
		canvas = vgsvg.New(width, height)
	case ".png":
		canvas = vgimg.PngCanvas{Canvas: vgimg.New(width, height)}
	default:
		return fmt.Errorf("%s: a plot is .svg or .png", name)
	}
	tiles := draw.Tiles{Rows: rows, Cols: columns, PadX: vg.Centimeter, PadY: vg.Centimeter, PadTop: vg.Millimeter * 5, PadBottom: vg.Millimeter * 5, PadLeft: vg.Millimeter * 5, PadRight: vg.Millimeter * 8}
	whole := draw.New(canvas)
	whole.SetColor(color.White)
	whole.Fill(whole.Rectangle.Path())
	for i, p := range panels {
		drawn, err := p.plot()
		if err != nil {
			return err
		}
		drawn.Draw(tiles.At(whole, i%columns, i/columns))
	}
	file, err := os.Create(name) //nolint:gosec // named by who runs this
	if err != nil {
		return err
	}
	if _, err := canvas.WriteTo(file); err != nil {
		_ = file.Close()
		return err
	}
	return file.Close()
}

func (p panel) plot() (*plot.Plot, error) {
	drawn := plot.New()
	drawn.Title.Text, drawn.X.Label.Text, drawn.Y.Label.Text = p.title, p.x, p.y
	drawn.Title.Padding = vg.Millimeter * 3
	drawn.BackgroundColor = color.White
	drawn.Add(plotter.NewGrid())
	for i, c := range p.curves {
		if err := add(drawn, c, i, nil); err != nil {
			return nil, err
		}
	}
	for i, c := range p.dashed {
		if err := add(drawn, c, i, plotutil.Dashes(1)); err != nil {
			return nil, err
		}
	}
	if p.linear {
		drawn.Y.Min, drawn.X.Min = 0, 0
	} else {
		drawn.X.Scale, drawn.Y.Scale = plot.LogScale{}, plot.LogScale{}
		drawn.X.Tick.Marker, drawn.Y.Tick.Marker = decades{}, decades{}
		drawn.Y.Min, drawn.Y.Max = drawn.Y.Min/5, drawn.Y.Max*1.3 // with room for the legend
		drawn.Legend.Left = true
	}
	drawn.Legend.TextStyle.Font.Size = vg.Points(8)
	return drawn, nil
}

func add(drawn *plot.Plot, c curve, i int, dashes []vg.Length) error {
	points := make(plotter.XYs, len(c.points))
	for j, p := range c.points {
		points[j] = plotter.XY{X: p.size, Y: p.cost}
	}
	line, dots, err := plotter.NewLinePoints(points)
	if err != nil {
		return err
	}
	line.Color, dots.Color = plotutil.DarkColors[i%len(plotutil.DarkColors)], plotutil.DarkColors[i%len(plotutil.DarkColors)]
	line.Dashes, line.Width, dots.Shape = dashes, vg.Points(1.2), plotutil.Shape(i)
	drawn.Add(line, dots)
	if dashes == nil {
		drawn.Legend.Add(c.name, line, dots)
	}
	return nil
}

// decades marks 1, 2 and 5 of each power of ten, in words that people read.
type decades struct{}

// Ticks implements plot.Ticker.
func (decades) Ticks(low, high float64) []plot.Tick {
	var ticks []plot.Tick
	for power := math.Pow(10, math.Floor(math.Log10(low))); power <= high; power *= 10 {
		for _, m := range []float64{1, 2, 5} {
			if v := m * power; v >= low && v <= high {
				ticks = append(ticks, plot.Tick{Value: v, Label: strconv.FormatFloat(v, 'g', 4, 64)})
			}
		}
	}
	return ticks
}
