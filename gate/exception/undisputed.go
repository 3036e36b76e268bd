package exception

// undisputed returns the claims that excuse and that no later one speaks against,
// in order. A claim loses the parts that are spoken against, and falls with the
// last of them: it never grows to the whole product.
func undisputed(claims []claim) []claim {
	against := map[string][]claim{}
	for _, c := range claims {
		if c.excuses {
			continue
		}
		for _, id := range c.ids {
			against[id] = append(against[id], c)
		}
	}
	var left []claim
	for _, c := range claims {
		if !c.excuses {
			continue
		}
		if c, stands := c.without(against); stands {
			left = append(left, c)
		}
	}
	return left
}

// without returns what is left of a claim, and whether anything is.
func (c claim) without(against map[string][]claim) (claim, bool) {
	wasWhole := len(c.parts) == 0
	for _, id := range c.ids {
		for _, other := range against[id] {
			if other.when.Before(c.when) {
				continue
			}
			if wasWhole && other.contradicts(c, component{}) {
				return claim{}, false
			}
			c.parts = except(c.parts, func(part component) bool { return other.contradicts(c, part) })
		}
	}
	return c, wasWhole || len(c.parts) > 0
}

// contradicts reports whether a claim that does not excuse may mean what another
// one excuses in this part; the zero part is the product as a whole. What cannot be told
// apart is the same.
func (c claim) contradicts(excused claim, part component) bool {
	whole := len(excused.parts) == 0
	if whole && anyOverlaps(c.parts, excused.product) {
		return true // the package that the claim is about, in some image
	}
	return c.product.overlaps(excused.product) &&
		(whole || len(c.parts) == 0 || anyOverlaps(c.parts, part))
}

func anyOverlaps(list []component, c component) bool {
	for _, l := range list {
		if l.overlaps(c) {
			return true
		}
	}
	return false
}

// except returns a new list, for claims of one statement share theirs.
func except(list []component, drop func(component) bool) []component {
	var kept []component
	for _, c := range list {
		if !drop(c) {
			kept = append(kept, c)
		}
	}
	return kept
}
