'use strict';
// Filters, sorts and unfolds what the page already holds. The document is the
// data: every finding is a row in it, so the report can be read without script.
(() => {
  const root = document.documentElement;
  root.classList.add('js');

  // --- Theme: the reader's system decides until the button is pressed.
  const system = matchMedia('(prefers-color-scheme: dark)');
  const isDark = () => (root.dataset.theme || (system.matches ? 'dark' : 'light')) === 'dark';
  const kept = {
    // A file opened from a disk, or in a sandbox, may have no storage.
    get() { try { return localStorage.getItem('ecr-gate-theme'); } catch { return null; } },
    set(theme) { try { localStorage.setItem('ecr-gate-theme', theme); } catch { /* for this page only */ } },
  };
  if (['light', 'dark'].includes(kept.get())) root.dataset.theme = kept.get();

  function startTheme() {
    const button = document.getElementById('theme');
    const show = () => { button.textContent = isDark() ? 'Light theme' : 'Dark theme'; };
    button.addEventListener('click', () => {
      root.dataset.theme = isDark() ? 'light' : 'dark';
      kept.set(root.dataset.theme);
      show();
    });
    system.addEventListener('change', show);
    show();
  }

  // --- Copying
  const said = new WeakMap();
  async function copy(button, source) {
    const range = document.createRange();
    range.selectNodeContents(source);
    getSelection().removeAllRanges();
    getSelection().addRange(range);
    let done = true;
    try {
      await navigator.clipboard.writeText(source.textContent);
    } catch {
      done = document.execCommand('copy'); // where there is no clipboard to ask: plain HTTP
    }
    button.textContent = done ? 'Copied' : 'Press Ctrl+C';
    clearTimeout(said.get(button));
    said.set(button, setTimeout(() => { button.textContent = 'Copy'; }, 2000));
  }
  // copyButton goes into the box around the source, and else behind it.
  function copyButton(source, what) {
    const button = document.createElement('button');
    button.type = 'button';
    button.className = 'copy';
    button.textContent = 'Copy';
    button.setAttribute('aria-label', 'Copy ' + what);
    button.addEventListener('click', () => copy(button, source));
    source.after(button);
  }

  // --- Exception entries
  // Plain where YAML takes it for a text beyond doubt, else quoted as JSON, which YAML reads
  // too; what cannot be seen is spelled out.
  function yaml(text) {
    if (/^[A-Za-z][A-Za-z0-9._/+-]*$/.test(text) && !/^(?:y|n|yes|no|on|off|true|false|null)$/i.test(text)) return text;
    return JSON.stringify(text).replace(/[^\x20-\x7e]/gu, (c) => [...Array(c.length).keys()]
      .map((i) => '\\u' + c.charCodeAt(i).toString(16).padStart(4, '0')).join(''));
  }
  // Package URLs if every package has one: entries hold all scopes to be true at once.
  function entry(finding) {
    const purls = [...new Set(finding.packages.map((p) => p.purl))];
    const names = [...new Set(finding.packages.map((p) => p.name))];
    const lines = ['  - id: ' + yaml(finding.id)];
    if (purls.length && purls.every(Boolean)) lines.push('    purls: [' + purls.map((p) => JSON.stringify(p)).join(', ') + ']');
    else if (names.length) lines.push('    packages: [' + names.map(yaml).join(', ') + ']');
    lines.push('    statement: "TODO: why this can be let pass"', '    expired_at: ' + document.body.dataset.until);
    return lines.join('\n') + '\n';
  }

  // --- A finding, read off its row
  const textOf = (node, selector) => node.querySelector(selector)?.textContent ?? '';
  const words = new Intl.Collator('en', { numeric: true }).compare;

  class Finding {
    constructor(list, row, group, place) {
      this.list = list;
      this.row = row;
      this.group = group;
      this.place = place; // as delivered: the most worthwhile fix first
      this.severity = Number(row.cells[0].firstElementChild.className.slice(1));
      this.platforms = row.dataset.p?.split(' '); // those it counts on, if not all
      // Read before the first key is pressed, and before rows gain buttons.
      this.text = [row.textContent, row.dataset.t ?? '', row.dataset.r ?? ''].join(' ').toLowerCase();
    }
    get id() { return this.row.cells[1].firstElementChild.textContent; }
    get pkg() { return textOf(this.row.cells[2], 'bdi'); }
    get seen() { return this.row.cells[this.list.seenAt]?.textContent ?? ''; }
    get packages() {
      return [...this.row.cells[2].querySelectorAll('p')].map((p) => ({ name: textOf(p, 'bdi'), purl: p.dataset.u, versions: textOf(p, 'i') }));
    }
  }

  // Worst first is what one wants of severities, A to Z of names, newest of dates.
  const orders = {
    sev: { of: (f) => f.severity, compare: (a, b) => a - b, descending: true },
    id: { of: (f) => f.id, compare: words },
    pkg: { of: (f) => f.pkg, compare: words },
    seen: { of: (f) => f.seen, compare: (a, b) => (a < b ? -1 : Number(a > b)), descending: true },
  };

  // --- One image's list of findings
  const step = 50; // rows shown at first: laying them out is what a filter costs

  class List {
    constructor(image) {
      this.image = image;
      this.table = image.querySelector('.list');
      this.status = image.querySelector('.status');
      this.rest = image.querySelector('.rest');
      this.toolbar = image.querySelector('.toolbar');
      this.seenAt = this.table.classList.contains('on') ? 4 : 3;
      this.findings = [];
      for (const body of this.table.tBodies) {
        const group = { head: body.rows[0], fixed: body.hasAttribute('data-fixed') };
        for (let i = 1; i < body.rows.length; i++) this.findings.push(new Finding(this, body.rows[i], group, this.findings.length));
      }
      this.view = { text: '', severities: new Set(), fixable: '', platform: '', grouped: true, order: null, descending: false };
      this.limit = step;
      this.listen();
      this.find();
    }

    listen() {
      const { toolbar, view } = this;
      const changed = () => { this.limit = step; this.find(); };
      const search = toolbar.querySelector('.text');
      search.addEventListener('input', () => { view.text = search.value; changed(); });
      search.addEventListener('keydown', (event) => {
        if (event.key === 'Escape' && search.value) { search.value = view.text = ''; event.preventDefault(); changed(); }
      });
      for (const chip of toolbar.querySelectorAll('.chips button')) {
        chip.addEventListener('click', () => {
          const severity = Number(chip.dataset.s);
          if (!view.severities.delete(severity)) view.severities.add(severity);
          chip.setAttribute('aria-pressed', String(view.severities.has(severity)));
          changed();
        });
      }
      const fixable = toolbar.querySelector('.fixable');
      fixable.addEventListener('change', () => { view.fixable = fixable.value; changed(); });
      const group = toolbar.querySelector('.group');
      group.addEventListener('change', () => { view.grouped = group.checked; changed(); });
      const order = toolbar.querySelector('.order');
      order.addEventListener('change', () => { this.sort(order.value, orders[order.value].descending ?? false); });
      for (const head of this.table.querySelectorAll('th[data-by]')) {
        const by = head.dataset.by;
        const button = document.createElement('button');
        button.type = 'button';
        button.append(...head.childNodes);
        head.append(button);
        button.addEventListener('click', () => {
          this.sort(by, view.order === by ? !view.descending : orders[by].descending ?? false);
          order.value = by;
        });
      }
      this.rest.querySelector('.next-rows').addEventListener('click', () => this.more(this.limit + 4 * step));
      this.rest.querySelector('.all-rows').addEventListener('click', () => this.more(Infinity));
    }

    sort(by, descending) {
      Object.assign(this.view, { order: by, descending });
      for (const head of this.table.querySelectorAll('th[data-by]')) {
        if (head.dataset.by === by) head.setAttribute('aria-sort', descending ? 'descending' : 'ascending');
        else head.removeAttribute('aria-sort');
      }
      this.limit = step;
      this.find();
    }

    // more goes on with the keyboard where the list went on.
    more(limit) {
      const next = this.found[Math.min(this.limit, this.found.length) - 1];
      this.limit = limit;
      this.show();
      next?.row.querySelector('.more')?.focus({ preventScroll: true });
    }

    fits() {
      const { severities, fixable, platform } = this.view;
      const wanted = this.view.text.toLowerCase().split(/\s+/).filter(Boolean);
      return (f) => (!severities.size || severities.has(f.severity)) &&
        (!fixable || f.group.fixed === (fixable === 'y')) &&
        (!platform || !f.platforms || f.platforms.includes(platform)) &&
        wanted.every((word) => f.text.includes(word));
    }

    find() {
      this.found = this.findings.filter(this.fits());
      const { order, descending, grouped } = this.view;
      if (order) {
        const { of, compare } = orders[order];
        const keyed = this.found.map((f) => [of(f), f]);
        keyed.sort(([a, f], [b, g]) => (descending ? compare(b, a) : compare(a, b)) || f.place - g.place);
        this.found = keyed.map(([, f]) => f);
      }
      if (grouped) this.found = [...Map.groupBy(this.found, (f) => f.group).values()].flat();
      this.show();
    }

    show() {
      const shown = this.found.slice(0, this.limit);
      const bodies = [];
      for (const f of shown) {
        let body = bodies.at(-1);
        if (!body || this.view.grouped && body.group !== f.group) {
          body = { group: f.group, rows: this.view.grouped ? [f.group.head] : [] };
          bodies.push(body);
        }
        body.rows.push(this.dressed(f));
        if (f.detail && !f.detail.hidden) body.rows.push(f.detail);
      }
      for (const body of [...this.table.tBodies]) body.remove();
      this.table.append(...bodies.map(({ rows }) => {
        const body = document.createElement('tbody');
        if (this.view.grouped) snippets(rows[0]);
        body.append(...rows);
        return body;
      }));
      this.report(shown.length);
    }

    report(shown) {
      const all = this.findings.length.toLocaleString('en');
      const fit = this.found.length.toLocaleString('en');
      const on = this.platformName ? ' on ' + this.platformName : '';
      this.status.textContent = (shown < this.found.length
        ? `${shown.toLocaleString('en')} shown of ${fit} that fit, ${all} in all`
        : `${fit} of ${all} shown`) + on;
      this.image.querySelector('.empty').hidden = this.found.length > 0;
      const left = this.found.length - shown;
      this.rest.hidden = left <= 0;
      this.rest.querySelector('.next-rows').textContent = `Show ${Math.min(left, 4 * step).toLocaleString('en')} more`;
    }

    // dressed adds the row's button, when it is first shown.
    dressed(f) {
      if (!f.button) {
        f.button = document.createElement('button');
        f.button.type = 'button';
        f.button.className = 'more';
        f.button.textContent = 'Details';
        f.button.setAttribute('aria-expanded', 'false');
        f.button.setAttribute('aria-label', 'Details of ' + f.id);
        f.button.addEventListener('click', () => this.unfold(f));
        const cell = f.row.insertCell();
        cell.className = 'act';
        cell.append(f.button);
        const link = f.row.querySelector('a');
        if (link) link.target = '_blank'; // the report keeps its place
      }
      return f.row;
    }

    unfold(f) {
      f.detail ??= detailOf(f);
      const open = f.button.getAttribute('aria-expanded') !== 'true';
      f.button.setAttribute('aria-expanded', String(open));
      f.detail.hidden = !open;
      if (open) f.row.after(f.detail);
      else f.detail.remove();
    }

    // Print shows all that fits the filter.
    unroll(on) {
      if (on && this.limit !== Infinity) { this.rolled = this.limit; this.limit = Infinity; this.show(); }
      if (!on && this.rolled) { this.limit = this.rolled; this.rolled = 0; this.show(); }
    }
  }

  // snippets makes what stands to be copied easy to copy, once.
  function snippets(node) {
    for (const pre of node.querySelectorAll('pre')) {
      if (pre.parentNode.className === 'snippet') continue;
      const box = document.createElement('div');
      box.className = 'snippet';
      pre.replaceWith(box);
      pre.tabIndex = 0; // it may scroll
      box.append(pre);
      copyButton(pre, pre.className === 'entry' ? 'the exception entry' : 'the Dockerfile line');
    }
  }

  function detailOf(f) {
    const row = document.getElementById('detail').content.firstElementChild.cloneNode(true);
    row.cells[0].colSpan = f.row.cells.length;
    const facts = row.querySelector('dl');
    const fact = (name, value, long) => {
      if (!value) return;
      const dt = document.createElement('dt');
      const dd = document.createElement('dd');
      const text = document.createElement('bdi');
      dt.textContent = name;
      text.textContent = value;
      if (long) text.className = 'long';
      dd.append(text);
      facts.append(dt, dd);
    };
    fact('Finding', f.id);
    fact('Title', f.row.dataset.t, true);
    fact('Also called', f.row.dataset.r);
    for (const p of f.packages) fact('Package', (p.purl || p.name) + ' ' + p.versions);
    fact('Fix', textOf(f.group.head, 'p'));
    const nameable = /^[!-~]+$/.test(f.id); // IDs have no blanks, and what is elided is none
    row.querySelector('.none').hidden = nameable;
    if (nameable) row.querySelector('.entry').textContent = entry(f);
    else row.querySelector('.entry').remove();
    const line = f.group.head.querySelector('pre');
    if (line) {
      const title = document.createElement('h4');
      title.textContent = 'Dockerfile line that clears it';
      row.querySelector('.none').after(title, line.cloneNode(true));
    }
    snippets(row);
    return row;
  }

  // --- Platforms of an index
  function startTabs(image, list) {
    const tabs = [...image.querySelectorAll('[role="tab"]')];
    const panel = image.querySelector('[role="tabpanel"]');
    const choose = (tab) => {
      for (const t of tabs) {
        t.setAttribute('aria-selected', String(t === tab));
        t.tabIndex = t === tab ? 0 : -1;
      }
      panel.setAttribute('aria-labelledby', tab.id);
      for (const card of image.querySelectorAll('.platform')) {
        card.hidden = tab.dataset.platform !== '' && card.dataset.platform !== tab.dataset.platform;
      }
      if (!list) return;
      list.view.platform = tab.dataset.platform;
      list.platformName = tab.dataset.platform === '' ? '' : tab.textContent;
      list.limit = step;
      list.find();
    };
    tabs.forEach((tab, i) => {
      tab.addEventListener('click', () => choose(tab));
      tab.addEventListener('keydown', (event) => {
        const to = { ArrowRight: i + 1, ArrowLeft: i - 1, Home: 0, End: -1 }[event.key];
        if (to === undefined) return;
        event.preventDefault();
        const next = tabs.at(to % tabs.length);
        next.focus();
        choose(next);
      });
    });
  }

  document.addEventListener('DOMContentLoaded', () => {
    startTheme();
    for (const code of document.querySelectorAll('code.copied')) copyButton(code, 'the digest');
    const lists = [];
    for (const image of document.querySelectorAll('.image')) {
      const list = image.querySelector('.list') && new List(image);
      if (list) lists.push(list);
      startTabs(image, list);
      snippets(image);
    }
    document.addEventListener('keydown', (event) => {
      const typing = /^(?:INPUT|SELECT|TEXTAREA)$/.test(event.target.tagName);
      if (event.key !== '/' || typing || event.ctrlKey || event.metaKey || event.altKey || !lists.length) return;
      event.preventDefault();
      const nearest = lists.find((l) => l.image.getBoundingClientRect().bottom > 0) ?? lists[0];
      nearest.toolbar.querySelector('.text').focus();
    });
    const unroll = (on) => lists.forEach((l) => l.unroll(on));
    matchMedia('print').addEventListener('change', (event) => unroll(event.matches));
    addEventListener('beforeprint', () => unroll(true));
    addEventListener('afterprint', () => unroll(false));
    root.classList.add('ready');
  });
})();
