r"""Completion in bash, zsh and fish: the scripts that they read, and the answer to what they ask.

A script runs the command that is being typed, with the line up to the cursor in COMP_WORDS, when TAB is pressed; each
line of the answer is ``type\tvalue\thelp``, where type is plain, or file or dir for what the shell completes itself.
"""

from __future__ import annotations

import os
import re
import threading
from contextlib import suppress
from typing import NoReturn

import click
from click.shell_completion import CompletionItem, ShellComplete, split_arg_string

from ..errors import printable
from . import COMPLETION_VARIABLE

_AT_MOST = 10.0  # seconds: after that a shell gets no answer, as of a network of gigabytes
_SPECIAL = re.compile(r"[^\w@%+:,./=-]", re.ASCII)  # what bash takes for something else than itself
_QUOTE = re.compile(r"""[\s:=](['"])[^'"]*$""")  # one that is open
_NOT_IN = {"'": re.compile("'"), '"': re.compile(r"""["$`\\!]""")}  # what such quotes do not hide from it
_OPTION = re.compile(r"--[^=]*=")  # before a value in the same word
_HIDDEN = re.compile(r"\\(.)")  # what a backslash hides from it


class _Shell(ShellComplete):
    """A shell: what its script is, and how it is answered."""

    def get_completion_args(self) -> tuple[list[str], str]:
        """Return the words before the one that is begun, and that one, which may be empty."""
        _, *args, last = split_arg_string(os.environ["COMP_WORDS"].lstrip() + "_")  # so that there is one
        return args, last[:-1]

    def format_completion(self, item: CompletionItem) -> str:
        """Return a line of the answer."""
        return f"{item.type}\t{item.value}\t{printable(item.help or '')}"

    def complete(self) -> str:
        """Return the answer; names of strangers' layers that are no text are left out."""
        args, incomplete = self.get_completion_args()
        items = self.get_completions(args, incomplete)
        return "".join(f"{self.format_completion(item)}\n" for item in items if str(item.value).isprintable())


class _Bash(_Shell):
    name = "bash"
    source_template = r"""%(complete_func)s() {
    local type value help program=${1/#\~\//$HOME/}
    COMPREPLY=()
    while IFS=$'\t' read -r type value help; do
        case $type in
            plain) COMPREPLY+=("$value") ;;
            file) compopt -o default ;;
            dir) compopt -o dirnames ;;
        esac
    done < <(COMP_WORDS=${COMP_LINE:0:COMP_POINT} COMP_WORD=$2 %(complete_var)s=bash_complete "$program" 2>/dev/null)
}
complete -o nosort -F %(complete_func)s %(prog_name)s
"""

    def format_completion(self, item: CompletionItem) -> str:
        """Return a line with what is to be in place of COMP_WORD, in the quotes that the word has.

        That is bash's own part of the word: what is behind its last colon or equals sign, or behind a quote, as
        COMP_WORDBREAKS says. Bash puts the answer into the line as it is, and what is in a stranger's file must not be
        a command there.
        """
        if item.type != "plain":
            return super().format_completion(item)
        _, begun = self.get_completion_args()
        option = found[0] if (found := _OPTION.match(begun)) else ""
        quote = _QUOTE.search(os.environ["COMP_WORDS"])
        replaced = os.environ.get("COMP_WORD", "")
        if quote is None:
            replaced = _HIDDEN.sub(r"\1", replaced)
        value = f"{option}{item.value}"[len(begun) - len(replaced) :]
        if quote is None:
            return f"plain\t{_SPECIAL.sub(lambda special: chr(92) + special[0], value)}\t"
        return "" if _NOT_IN[quote[1]].search(value) else f"plain\t{value}\t"


class _Zsh(_Shell):
    name = "zsh"
    source_template = r"""#compdef %(prog_name)s
%(complete_func)s() {
    local type value help found
    local -a values shown
    local line="${(j: :)words[1,CURRENT-1]} $QIPREFIX$PREFIX"
    compset -P '--*='
    while IFS=$'\t' read -r type value help; do
        case $type in
            plain) values+=("$value"); shown+=("$value${help:+  -- $help}") ;;
            *) found=$type ;;
        esac
    done < <(COMP_WORDS=$line %(complete_var)s=zsh_complete "${words[1]/#\~\//$HOME/}" 2>/dev/null)
    (( $#values )) && compadd -l -V %(prog_name)s -d shown -a values
    case $found in
        file) _path_files ;;
        dir) _path_files -/ ;;
    esac
}
if [[ $funcstack[1] == _%(prog_name)s ]]; then  # the file of that name, in a folder of fpath
    %(complete_func)s "$@"
else
    compdef %(complete_func)s %(prog_name)s
fi
"""


class _Fish(_Shell):
    name = "fish"
    source_template = r"""function %(complete_func)s
    set -lx COMP_WORDS (commandline -cp | string collect)
    set -lx %(complete_var)s fish_complete
    set -l before (string match -r -- '^--[^=]*=' (commandline -ct); or echo)
    set -l begun (string replace -r -- '^--[^=]*=' '' (commandline -ct))
    set -l program (string replace -r -- '^~/' $HOME/ (commandline -opc)[1])
    for row in (command $program 2>/dev/null)
        set -l item (string split -m 2 \t -- $row)
        switch $item[1]
            case plain
                echo $before$item[2]\t$item[3]
            case file
                printf '%%s\n' $before(__fish_complete_path $begun)
            case dir
                printf '%%s\n' $before(__fish_complete_directories $begun)
        end
    end
end
complete --no-files --command %(prog_name)s --arguments '(%(complete_func)s)'
"""


_SHELLS: dict[str, type[_Shell]] = {each.name: each for each in (_Bash, _Zsh, _Fish)}
SHELLS = tuple(_SHELLS)


def script(shell: str, group: click.Group) -> str:
    """Return what a shell reads to complete the command line of `group`."""
    return _SHELLS[shell](group, {}, "pydream", COMPLETION_VARIABLE).source()


def completed(group: click.Group) -> str:
    """Return the answer to what the environment asks; none to a shell that is not known."""
    shell = _SHELLS.get(os.environ[COMPLETION_VARIABLE].partition("_")[0])
    return shell(group, {}, "pydream", COMPLETION_VARIABLE).complete() if shell else ""


def answer(group: click.Group) -> NoReturn:
    """Answer a shell that asks for completions, and end the process: in time, and in silence whatever is wrong."""
    output, null = os.dup(1), os.open(os.devnull, os.O_RDWR)
    for descriptor in (0, 1, 2):
        os.dup2(null, descriptor)
    timer = threading.Timer(_AT_MOST, os._exit, [0])
    timer.daemon = True
    timer.start()
    text = ""
    with suppress(Exception, SystemExit):
        text = completed(group)
    with suppress(OSError), os.fdopen(output, "wb") as stream:
        stream.write(text.encode("utf-8", "surrogateescape"))
    raise SystemExit(0)
