package gate

// exceptionIndex finds the exceptions that could mean a finding, so that not every
// exception is held against every finding. It is made once for a gate: with
// thousands of exceptions it costs more than the verdict on a cached image.
type exceptionIndex struct {
	byID      map[string][]int // exceptions that name a vulnerability
	byPackage map[string][]int // exceptions that name none, by package
	purlAlone bool             // some of those go by package URL
}

func indexOf(exceptions []Exception) exceptionIndex {
	var x exceptionIndex
	if len(exceptions) == 0 {
		return x
	}
	x.byID, x.byPackage = make(map[string][]int, len(exceptions)), map[string][]int{}
	for i, e := range exceptions {
		for _, id := range e.IDs {
			x.byID[id] = append(x.byID[id], i)
		}
		if len(e.IDs) == 0 {
			for _, name := range e.packageNames() {
				x.byPackage[name] = append(x.byPackage[name], i)
			}
			x.purlAlone = x.purlAlone || len(e.PURLs) > 0
		}
	}
	return x
}
