package ecrgate_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"unicode"
)

// What counts as a message is decided by what a text looks like and where it stands,
// not by a list of the functions that print: a new way to print hides nothing.
//
// Every text in the program's own code, a literal, a sum of them or a format, is a
// message if it has three words; two are enough where it is given to one of the
// makers below. What stands in it for values (verbs, variables, calls) becomes "…".
// It is no message
//   - where a place exempts it (see exempt and explained), each with its reason;
//   - if it begins with a blank, with punctuation or with "and": then it goes on where
//     another one has begun.

// makers make nothing but messages, however short: errors, faults, log lines at WARN
// and ERROR.
var makers = map[string]bool{
	"call New": true, "call Errorf": true, "call Faultf": true, "call unreadable": true, "call warnf": true,
	"call mistake": true, "call mistakef": true, "call failure": true, "call badImage": true, "call refuse": true,
	"call Error": true, "call ErrorContext": true, "call Warn": true, "call WarnContext": true,
}

// exempt are the places whose texts are no messages. A family is the files whose
// names begin with one word.
var exempt = map[string]string{
	"call Info":        "a log line that says what went well",
	"call InfoContext": "likewise",

	"key Mend":                        "what to do; it is told under the heading of what is wrong",
	"key hint":                        "likewise",
	"func gate.next":                  "likewise",
	"func gate.remedy":                "likewise",
	"func gate/pipeline.pollHint":     "likewise",
	"func gate/exception/strict.hint": "likewise",
	"var config.minimal":              "likewise",
	"var gate/exception.formats":      "likewise",

	"key Use":                      "shown by --help",
	"key Short":                    "likewise",
	"key Long":                     "likewise",
	"key Example":                  "likewise",
	"call flag":                    "likewise",
	"key Help":                     "describes a metric",
	"key Description":              "describes the action type or, in the demo, is AWS's own",
	"var gate/pipeline.properties": "describes the action's properties",

	"call Contains":                   "a text of somebody else's, to know it by",
	"call HasPrefix":                  "likewise",
	"call CutPrefix":                  "likewise",
	"call TrimPrefix":                 "likewise",
	"var gate/announce.detailTypes":   "the name of an event",
	"var gate/announce.DetailType":    "likewise",
	"func gate.withinLimits":          "said of an image that is allowed",
	"func gate.allowedBecause":        "likewise",
	"func gate.Summary":               "said of two images that can be compared",
	"func gate/exception/strict.kind": "words within other messages",
	"var config.reserved":             "likewise",
	"var webhook.withoutPolicy":       "likewise",
	"call imagesIn":                   "likewise",
	"call notFetched":                 "likewise",
	"var gate/pipeline.errTooLarge":   "never printed: it becomes another message",
	"call panic":                      "likewise: whoever recovers it has one",
	"call show":                       "a progress line",

	"result":          "of the doctor; each has its mend with it, and their checks are headings (see always)",
	"family examine":  "likewise",
	"dir gate/doctor": "likewise",
}

// explained are the places that explain what they show as they go. Only what the
// makers make there is a message: that something does not work.
var explained = map[string]string{
	"dir gate/report": "a page on verdicts; what is wrong with an image it has from gate",
	"family explain":  "a page on one finding",
	"family demo":     "the demo's story",
	"family company":  "likewise",
}

// always are places whose texts are messages, however short, and what the person
// reads before them.
var always = map[string]string{
	"func gate.deniedBecause":  "image not allowed: … ",
	"func gate.pendingBecause": "image not ready: … ",
	"var webhook.eventReasons": "",
	"check":                    "", // by which the doctor's results are told apart
}

// results are the doctor's ways to note one, by which of the arguments is the check.
var results = map[string]int{"OK": 0, "Warning": 0, "Fault": 0, "Unknown": 0, "noteLabels": 1}

// flagged are pflag's ways to define a flag.
var flagged = regexp.MustCompile(`^(String|StringArray|Int|Bool|Duration)VarP?$`)

// collected are the program's messages by their stable part, each with one place that
// makes it.
type collected struct {
	messages map[string]string
	used     map[string]bool // of the rules' places
}

// programMessages collects from every folder of the program: not from what runs in
// tests and in the demo only.
func programMessages(t *testing.T) collected {
	t.Helper()
	c := collected{messages: map[string]string{}, used: map[string]bool{}}
	walk(t, func(name string, d fs.DirEntry) {
		dir := path.Dir(name)
		if d.IsDir() || path.Ext(name) != ".go" || strings.HasSuffix(name, "_test.go") || dir == "awslocal" || strings.HasPrefix(dir, "test/") {
			return
		}
		files := token.NewFileSet()
		file, err := parser.ParseFile(files, name, nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		s := search{collected: c, dir: dir, file: name, line: func(p token.Pos) int { return files.Position(p).Line }}
		ast.Walk(visitor{&s, []string{"dir " + dir, "family " + family(name)}}, file)
	})
	return c
}

func family(name string) string {
	stem, _, _ := strings.Cut(strings.TrimSuffix(path.Base(name), ".go"), "_")
	return stem
}

// search goes through one file.
type search struct {
	collected
	dir, file string
	line      func(token.Pos) int
}

// visitor knows the places around a node, the innermost last.
type visitor struct {
	*search
	places []string
}

// Visit implements ast.Visitor.
func (v visitor) Visit(n ast.Node) ast.Visitor {
	switch n := n.(type) {
	case nil, *ast.ImportSpec, *ast.Field: // a field's tag
		return nil
	case *ast.FuncDecl:
		return v.within("func " + v.dir + "." + n.Name.Name)
	case *ast.FuncLit: // what calls it, or keeps it, does not print what is in it
		return v.outside("call ", "key ", "check")
	case *ast.ValueSpec:
		if n.Names[0].Name == "check" {
			return v.within("check")
		}
		return v.within("var " + v.dir + "." + n.Names[0].Name)
	case *ast.KeyValueExpr:
		return v.within("key " + nameOf(n.Key))
	case *ast.AssignStmt:
		switch to := n.Lhs[0].(type) {
		case *ast.SelectorExpr: // a member, such as Mend
			return v.within("key " + to.Sel.Name)
		case *ast.Ident:
			if to.Name == "check" {
				return v.within("check")
			}
		}
	case ast.Expr:
		if text, ok := skeleton(n); ok {
			v.take(n, text)
			return v.beyond(n)
		}
		if call, ok := n.(*ast.CallExpr); ok {
			return v.call(call)
		}
	}
	return v
}

func (v visitor) within(place string) visitor {
	return visitor{v.search, append(v.places[:len(v.places):len(v.places)], place)}
}

func (v visitor) outside(kinds ...string) visitor {
	var left []string
	for _, place := range v.places {
		inner := false
		for _, kind := range kinds {
			inner = inner || strings.HasPrefix(place, kind)
		}
		if !inner {
			left = append(left, place)
		}
	}
	return visitor{v.search, left}
}

// call goes through the arguments. One after the word "hint" is a hint, of a log line.
func (v visitor) call(n *ast.CallExpr) ast.Visitor {
	name := nameOf(n.Fun)
	if flagged.MatchString(name) {
		name = "flag"
	}
	inner := v.within("call " + name)
	ast.Walk(v, n.Fun)
	hint := false
	for i, arg := range n.Args {
		check, isResult := results[name]
		switch {
		case hint:
			ast.Walk(inner.within("key hint"), arg)
		case isResult && i == check && len(n.Args) > 1:
			ast.Walk(inner.within("check"), arg)
		case isResult:
			ast.Walk(inner.within("result"), arg)
		default:
			ast.Walk(inner, arg)
		}
		lit, ok := arg.(*ast.BasicLit)
		hint = ok && lit.Value == `"hint"`
	}
	return nil
}

// beyond goes on to what is no text of its own inside a text: its calls' arguments.
func (v visitor) beyond(n ast.Node) ast.Visitor {
	switch n := n.(type) {
	case *ast.BinaryExpr:
		for _, side := range []ast.Expr{n.X, n.Y} {
			if _, ok := skeleton(side); ok {
				v.beyond(side)
			} else {
				ast.Walk(v, side)
			}
		}
	case *ast.CallExpr: // of Sprintf
		for _, arg := range n.Args[1:] {
			ast.Walk(v, arg)
		}
	}
	return nil
}

// take keeps the text if it is a message.
func (v visitor) take(n ast.Node, text string) {
	text = strings.TrimPrefix(text, "\n")
	if place, ok := v.in(always); ok {
		v.keep(n, always[place], text, 0)
		return
	}
	if _, ok := v.in(exempt); ok {
		return
	}
	least := 3
	if slices.ContainsFunc(v.places, func(place string) bool { return makers[place] }) {
		least = 2
	} else if _, ok := v.in(explained); ok {
		return
	}
	v.keep(n, "", text, least)
}

// in is the first place that a rule is for.
func (v visitor) in(rule map[string]string) (place string, ok bool) {
	for _, place := range v.places {
		if _, ok := rule[place]; ok {
			v.used[place] = true
			return place, true
		}
	}
	return "", false
}

// keep is for a text of so many words at least that begins a message.
func (v visitor) keep(n ast.Node, before, text string, least int) {
	message := stable(before + text)
	if text == "" || goesOn(text) || words(message) < least {
		return
	}
	v.messages[message] = v.file + ":" + strconv.Itoa(v.line(n.Pos()))
}

// goesOn tells the texts that another one has begun.
func goesOn(text string) bool {
	first := []rune(text)[0]
	return strings.HasPrefix(text, "and ") || !unicode.IsLetter(first) && !unicode.IsDigit(first) && !strings.ContainsRune("…-", first)
}

// words counts those that are the program's own.
func words(text string) int {
	n := 0
	for _, word := range strings.Fields(text) {
		if strings.ContainsFunc(word, unicode.IsLetter) {
			n++
		}
	}
	return n
}

var verb = regexp.MustCompile(`%[-+#0-9.*]*[vTtbcdoqxXUeEfFgGspw]`)

// skeleton is a text with "…" in place of values; false: it is none.
func skeleton(n ast.Node) (string, bool) {
	switch n := n.(type) {
	case *ast.BasicLit:
		text, err := strconv.Unquote(n.Value)
		return verb.ReplaceAllString(text, "…"), n.Kind == token.STRING && err == nil
	case *ast.BinaryExpr:
		x, left := skeleton(n.X)
		y, right := skeleton(n.Y)
		if n.Op != token.ADD || !left && !right {
			return "", false
		}
		if !left {
			x = "…"
		}
		if !right {
			y = "…"
		}
		return x + y, true
	case *ast.CallExpr:
		if nameOf(n.Fun) == "Sprintf" && len(n.Args) > 0 {
			return skeleton(n.Args[0])
		}
	}
	return "", false
}

var (
	loose = regexp.MustCompile(`([:,]? ?…|[:,]| \(…\))$|^…[:,]? `)
	twice = regexp.MustCompile(`…( ?…)+`)
)

// stable is the part of a message that a person would search for: what comes after
// "; " is the mend, and values at either end are nobody's words.
func stable(text string) string {
	text, _, _ = strings.Cut(strings.TrimSpace(text), "; ")
	text = twice.ReplaceAllString(strings.Join(strings.Fields(text), " "), "…")
	for {
		shorter := strings.TrimSpace(loose.ReplaceAllString(text, ""))
		if shorter == text {
			return text
		}
		text = shorter
	}
}

// nameOf is the last word of what is called or keyed.
func nameOf(e ast.Expr) string {
	switch e := e.(type) {
	case *ast.Ident:
		return e.Name
	case *ast.SelectorExpr:
		return e.Sel.Name
	case *ast.BasicLit:
		name, _ := strconv.Unquote(e.Value)
		return name
	case *ast.IndexExpr:
		return nameOf(e.X)
	}
	return ""
}
