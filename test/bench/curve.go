package main

import (
	"fmt"
	"strings"
)

// curve is a cost at growing sizes.
type curve struct {
	name   string
	points []point
}

type point struct{ size, cost float64 }

func (c *curve) add(size int, cost float64) {
	c.points = append(c.points, point{float64(size), cost})
}

// steep is by how much a cost per unit may grow and still count as linear.
const steep = 1.5

// steps says of each size how many times the lowest cost per unit of any smaller
// size its own is, where that is more than steep: a step that is not linear. What is
// there whatever the size makes small sizes dear and so hides nothing.
func (c curve) steps() []float64 {
	steps := make([]float64, len(c.points))
	lowest := 0.0
	for i, p := range c.points {
		per := p.cost / p.size
		if i > 0 && lowest > 0 && per > steep*lowest {
			steps[i] = per / lowest
		}
		if i == 0 || per < lowest {
			lowest = per
		}
	}
	return steps
}

// marks is the last column of a table: which of the curves take a step at a size.
func marks(i int, curves ...curve) string {
	var list []string
	for _, c := range curves {
		if step := c.steps()[i]; step > 0 {
			list = append(list, fmt.Sprintf("**%s x %.1f**", c.name, step))
		}
	}
	if len(list) == 0 {
		return "linear"
	}
	return strings.Join(list, ", ")
}
