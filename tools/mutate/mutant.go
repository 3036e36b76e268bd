package main

import (
	"fmt"
	"go/ast"
	"go/token"
	"go/types"
	"os"
	"path/filepath"
	"strings"
)

// mutant is one change.
type mutant struct {
	id           int
	file         string
	line, column int
	kind         string
	code         string // what is changed
}

// mutation puts the mutants into one file. It keeps the text as it is and writes around
// it.
type mutation struct {
	*source
	file  string
	text  []byte
	edits edits
	ends  map[ast.Stmt]bool // the statements that a function with results ends with
}

func (p *source) mutate(path string) ([]byte, error) {
	text, err := os.ReadFile(path) //nolint:gosec // of the package named
	if err != nil {
		return nil, err
	}
	m := &mutation{source: p, file: filepath.Base(path), text: text, ends: endings(p.files[path])}
	ast.Inspect(p.files[path], m.visit)
	return m.edits.apply(text), nil
}

// add notes a mutant and returns its number.
func (m *mutation) add(kind string, node ast.Node, at token.Pos) int {
	where := m.fset.Position(at)
	code := strings.Join(strings.Fields(m.code(node)), " ")
	if runes := []rune(code); len(runes) > 100 {
		code = string(runes[:99]) + "…"
	}
	m.mutants = append(m.mutants, mutant{len(m.mutants) + 1, m.file, where.Line, where.Column, kind, code})
	return len(m.mutants)
}

func (m *mutation) offset(p token.Pos) int { return m.fset.Position(p).Offset }

func (m *mutation) code(n ast.Node) string {
	return string(m.text[m.offset(n.Pos()):m.offset(n.End())])
}

func (m *mutation) wrap(n ast.Node, before, after string) {
	m.edits.wrap(m.offset(n.Pos()), m.offset(n.End()), before, after)
}

func (m *mutation) visit(n ast.Node) bool {
	switch x := n.(type) {
	case *ast.GenDecl:
		return x.Tok == token.VAR
	case *ast.IfStmt:
		m.condition("if", x.Cond)
	case *ast.SwitchStmt:
		if x.Tag == nil {
			for _, clause := range x.Body.List {
				for _, cond := range clause.(*ast.CaseClause).List { //nolint:errcheck // a switch has no other clauses
					m.condition("case", cond)
				}
			}
		}
	case *ast.BinaryExpr:
		if m.types[x].Value != nil {
			return false // a constant
		}
		m.binary(x)
	case *ast.BlockStmt:
		m.statements(x.List)
	case *ast.CaseClause:
		m.statements(x.Body)
	case *ast.CommClause:
		m.statements(x.Body)
	}
	return true
}

// condition never holds, or always.
func (m *mutation) condition(kind string, cond ast.Expr) {
	never, always := m.add(kind+" never", cond, cond.Pos()), m.add(kind+" always", cond, cond.Pos())
	m.wrap(cond, fmt.Sprintf("mutantIs(%d) || !mutantIs(%d) && (", always, never), ")")
}

var (
	atBorder = map[token.Token]string{token.LSS: "<=", token.LEQ: "<", token.GTR: ">=", token.GEQ: ">"}
	against  = map[token.Token]string{token.LSS: ">=", token.LEQ: ">", token.GTR: "<=", token.GEQ: "<", token.EQL: "!=", token.NEQ: "=="}
)

func (m *mutation) binary(x *ast.BinaryExpr) {
	switch x.Op {
	case token.LAND, token.LOR:
		m.logical(x)
	case token.LSS, token.LEQ, token.GTR, token.GEQ:
		m.comparison(x, m.add("at the border", x, x.OpPos), atBorder[x.Op])
		m.comparison(x, m.add("the other way round", x, x.OpPos), against[x.Op])
	case token.EQL, token.NEQ:
		m.comparison(x, m.add("the other way round", x, x.OpPos), against[x.Op])
	case token.ADD, token.SUB, token.MUL, token.QUO:
		if b, ok := m.types[x].Type.Underlying().(*types.Basic); ok && b.Info()&types.IsNumeric != 0 {
			name := map[token.Token]string{token.ADD: "ADD", token.SUB: "SUB", token.MUL: "MUL", token.QUO: "QUO"}[x.Op]
			m.wrap(x, fmt.Sprintf("mutant%s(%d, ", name, m.add("arithmetic", x, x.OpPos)), ")")
			m.edits.replace(m.offset(x.OpPos), len(x.Op.String()), ",")
		}
	}
}

// logical loses a term, or becomes the other operator.
func (m *mutation) logical(x *ast.BinaryExpr) {
	id := m.add("without this", x.X, x.X.Pos())
	m.add("without this", x.Y, x.Y.Pos())
	m.add("and for or, or for and", x, x.OpPos)
	name := map[token.Token]string{token.LAND: "And", token.LOR: "Or"}[x.Op]
	m.wrap(x, fmt.Sprintf("mutant%s(%d, func() bool { return bool(", name, id), ") })")
	m.edits.replace(m.offset(x.OpPos), len(x.Op.String()), ") }, func() bool { return bool(")
}

func (m *mutation) comparison(x *ast.BinaryExpr, id int, op string) {
	m.wrap(x, fmt.Sprintf("mutantEither(%d, func() bool { return ", id),
		fmt.Sprintf(" }, func() bool { return %s %s %s })", m.code(x.X), op, m.code(x.Y)))
}

// statements are left out one at a time, but for what declares something, and for a
// return that stands alone: that is the same as a condition that never holds.
func (m *mutation) statements(list []ast.Stmt) {
	for i, s := range list {
		if m.ends[s] {
			continue
		}
		leaveOut := false
		switch x := s.(type) {
		case *ast.ExprStmt, *ast.IncDecStmt, *ast.DeferStmt, *ast.GoStmt:
			leaveOut = true
		case *ast.AssignStmt:
			leaveOut = x.Tok != token.DEFINE
		case *ast.ReturnStmt:
			leaveOut = i > 0
		case *ast.BranchStmt:
			leaveOut = i > 0 && x.Label == nil && x.Tok != token.FALLTHROUGH
		}
		if leaveOut {
			m.wrap(s, fmt.Sprintf("if !mutantIs(%d) { ", m.add("left out", s, s.Pos())), " }")
		}
	}
}

// endings are the statements without which a function with results would not compile.
func endings(file *ast.File) map[ast.Stmt]bool {
	ends := map[ast.Stmt]bool{}
	ast.Inspect(file, func(n ast.Node) bool {
		switch x := n.(type) {
		case *ast.FuncDecl:
			if x.Body != nil && x.Type.Results != nil {
				markEndings(x.Body, ends)
			}
		case *ast.FuncLit:
			if x.Type.Results != nil {
				markEndings(x.Body, ends)
			}
		}
		return true
	})
	return ends
}

func markEndings(s ast.Stmt, ends map[ast.Stmt]bool) {
	last := func(list []ast.Stmt) {
		if n := len(list); n > 0 {
			markEndings(list[n-1], ends)
		}
	}
	clauses := func(body *ast.BlockStmt) {
		for _, c := range body.List {
			switch x := c.(type) {
			case *ast.CaseClause:
				last(x.Body)
			case *ast.CommClause:
				last(x.Body)
			}
		}
	}
	switch x := s.(type) {
	case *ast.BlockStmt:
		last(x.List)
	case *ast.IfStmt:
		if x.Else != nil {
			markEndings(x.Body, ends)
			markEndings(x.Else, ends)
		}
	case *ast.SwitchStmt:
		clauses(x.Body)
	case *ast.TypeSwitchStmt:
		clauses(x.Body)
	case *ast.SelectStmt:
		clauses(x.Body)
	default:
		ends[s] = true
	}
}
