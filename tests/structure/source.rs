//! The modules of a crate and the paths that their code names, read from the source text.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use proc_macro2::{Delimiter, TokenStream, TokenTree};

/// The path of a module inside its crate; empty for the crate's root.
pub(crate) type ModulePath = Vec<String>;

/// The modules of one crate without their test code.
#[derive(Default)]
pub(crate) struct CrateModules {
    modules: BTreeMap<ModulePath, Module>,
}

#[derive(Default)]
struct Module {
    /// What `use` declarations bring into the module: the name here and the path there, whose first segment is
    /// `crate`, `self`, `super` or a name that is resolved in this module.
    imports: BTreeMap<String, Vec<String>>,
    /// Every path that the code names and that may lead to another module of the crate.
    paths: BTreeSet<Vec<String>>,
}

impl CrateModules {
    /// Reads a crate from its root file.
    pub(crate) fn read(root: &Path) -> Self {
        let mut read = Self::default();
        read.file(root, &[], root.parent().unwrap());
        read
    }

    /// The imports between modules, as pairs of paths: the importing module and the one that defines what is imported.
    pub(crate) fn imports(&self) -> BTreeSet<(ModulePath, ModulePath)> {
        let mut found = BTreeSet::new();
        for (from, module) in &self.modules {
            for path in &module.paths {
                if let Some(to) = self.resolve(from, path, 0).filter(|to| to != from) {
                    found.insert((from.clone(), to));
                }
            }
        }
        found
    }

    /// The module that defines the item which a path names, or `None` if it belongs to another crate.
    fn resolve(&self, from: &[String], path: &[String], depth: usize) -> Option<ModulePath> {
        // Two `use` declarations that name each other would be followed without end.
        if depth > 16 {
            return None;
        }
        let mut at = from.to_vec();
        for (index, segment) in path.iter().enumerate() {
            match segment.as_str() {
                "crate" => at.clear(),
                "self" => {}
                "super" => _ = at.pop(),
                name => {
                    let child: ModulePath = at.iter().cloned().chain([name.to_owned()]).collect();
                    if self.modules.contains_key(&child) {
                        at = child;
                        continue;
                    }
                    let module = &self.modules[&at];
                    if let Some(imported) =
                        module.imports.get(name).filter(|imported| imported.as_slice() != path)
                    {
                        let rest = imported.iter().chain(&path[index + 1..]).cloned().collect::<Vec<_>>();
                        return self.resolve(&at, &rest, depth + 1);
                    }
                    // A name that begins a path and is neither here nor imported is a crate.
                    return (index > 0).then_some(at);
                }
            }
        }
        Some(at)
    }

    fn file(&mut self, file: &Path, path: &[String], children: &Path) {
        let text =
            std::fs::read_to_string(file).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
        let tokens: TokenStream = text.parse().unwrap_or_else(|error| panic!("{}: {error}", file.display()));
        self.modules.entry(path.to_vec()).or_default();
        self.items(tokens, path, children);
    }

    /// Reads the items of a module, and the files of its child modules.
    fn items(&mut self, tokens: TokenStream, path: &[String], folder: &Path) {
        let tokens: Vec<TokenTree> = tokens.into_iter().collect();
        let mut at = 0;
        while at < tokens.len() {
            if is_test_only(&tokens[at..]) {
                at += 2;
                at += item_length(&tokens[at..]);
                continue;
            }
            match &tokens[at..] {
                [TokenTree::Ident(word), TokenTree::Ident(name), end, ..] if word == "mod" => {
                    let child: ModulePath = path.iter().cloned().chain([name.to_string()]).collect();
                    let below = folder.join(name.to_string());
                    if let TokenTree::Group(body) = end {
                        self.modules.entry(child.clone()).or_default();
                        self.items(body.stream(), &child, &below);
                    } else {
                        let flat = folder.join(format!("{name}.rs"));
                        let file = if flat.exists() { flat } else { below.join("mod.rs") };
                        self.file(&file, &child, &below);
                    }
                    at += 3;
                }
                _ => at += self.code(&tokens[at..], path),
            }
        }
    }

    /// Reads what stands at the beginning of these tokens, and returns how many tokens that was.
    fn code(&mut self, tokens: &[TokenTree], path: &[String]) -> usize {
        let module = self.modules.entry(path.to_vec()).or_default();
        match tokens {
            [TokenTree::Ident(word), TokenTree::Ident(_), ..] if word == "use" => {
                let length = tokens.iter().position(|token| is_punct(token, ';')).unwrap();
                module.declare(&tokens[1..length], &[]);
                length + 1
            }
            [TokenTree::Ident(first), ..] if ["crate", "self", "super"].iter().any(|word| first == word) => {
                let (names, length) = chain(tokens);
                if names.len() > 1 {
                    module.paths.insert(names);
                }
                length
            }
            [TokenTree::Group(group), ..] => {
                let inner: Vec<TokenTree> = group.stream().into_iter().collect();
                let mut at = 0;
                while at < inner.len() {
                    if is_test_only(&inner[at..]) {
                        at += 2;
                        at += item_length(&inner[at..]);
                    } else {
                        at += self.code(&inner[at..], path);
                    }
                }
                1
            }
            _ => 1,
        }
    }
}

impl Module {
    /// Takes in a `use` declaration, or the part of one inside braces.
    fn declare(&mut self, tokens: &[TokenTree], before: &[String]) {
        let (names, length) = chain(tokens);
        let mut path: Vec<String> = before.iter().cloned().chain(names).collect();
        match &tokens[length..] {
            [TokenTree::Group(group), ..] => {
                let inner: Vec<TokenTree> = group.stream().into_iter().collect();
                for part in inner.split(|token| is_punct(token, ',')).filter(|part| !part.is_empty()) {
                    self.declare(part, &path);
                }
            }
            [TokenTree::Punct(star), ..] if star.as_char() == '*' => {
                self.paths.insert(path);
            }
            rest => {
                if path.last().is_some_and(|last| last == "self") {
                    path.pop();
                }
                let renamed = match rest {
                    [TokenTree::Ident(word), TokenTree::Ident(name), ..] if word == "as" => {
                        Some(name.to_string())
                    }
                    _ => path.last().cloned(),
                };
                self.paths.insert(path.clone());
                self.imports.extend(renamed.map(|name| (name, path)));
            }
        }
    }
}

/// The names of `a::b::c`, up to a brace or star, and how many tokens they take.
fn chain(tokens: &[TokenTree]) -> (Vec<String>, usize) {
    let mut names = Vec::new();
    let mut at = 0;
    while let Some(TokenTree::Ident(name)) = tokens.get(at) {
        names.push(name.to_string());
        at += 1;
        let colons = tokens[at..].iter().take_while(|token| is_punct(token, ':')).count();
        if colons != 2 {
            break;
        }
        at += 2;
    }
    (names, at)
}

/// Whether an item begins here that is compiled for tests only.
fn is_test_only(tokens: &[TokenTree]) -> bool {
    let [hash, TokenTree::Group(attribute), ..] = tokens else {
        return false;
    };
    let text = attribute.stream().to_string().replace(' ', "");
    is_punct(hash, '#') && (text == "cfg(test)" || text.starts_with("cfg(all(test,"))
}

/// How many tokens the item takes that begins here.
fn item_length(tokens: &[TokenTree]) -> usize {
    let ends_with_semicolon = ["use", "const", "static", "type"];
    let word = tokens.iter().find_map(|token| match token {
        TokenTree::Ident(word) if word != "pub" => Some(word.to_string()),
        _ => None,
    });
    let braces_end = !word.is_some_and(|word| ends_with_semicolon.contains(&word.as_str()));
    let is_end = |token: &TokenTree| match token {
        TokenTree::Group(group) => braces_end && group.delimiter() == Delimiter::Brace,
        token => is_punct(token, ';'),
    };
    tokens.iter().position(is_end).map_or(tokens.len(), |end| end + 1)
}

fn is_punct(token: &TokenTree, character: char) -> bool {
    matches!(token, TokenTree::Punct(punct) if punct.as_char() == character)
}
