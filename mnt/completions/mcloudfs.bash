# bash: completion of mcloudfs, and of echo for the verbs of a cloud's ctl files. What there is says the program itself.

# _mcloudfs_reply WORD CANDIDATE…: those that go on with the last option in WORD. Of WORD, bash replaces what is behind the last = only.
_mcloudfs_reply() {
    local word=$1 last candidate kept
    last=${word##*[=,]}
    [[ $last != -o* ]] || last=${last#-o}
    kept=${word%"$last"}
    [[ $word != *=* ]] || kept=${kept##*=}
    shift
    COMPREPLY=()
    for candidate; do
        [[ $candidate != "$last"* ]] || COMPREPLY+=("$kept$candidate")
    done
}

# _mcloudfs_values PROGRAM NAME ARGUMENT: what may stand behind NAME=.
_mcloudfs_values() {
    case $2 in
    cloud | attach) "$1" --print-clouds 2>/dev/null | sed -n "s/^$2=//p" ;;
    *) [[ $3 != *\|* ]] || tr '|' '\n' <<<"$3" ;;
    esac
}

# _mcloudfs_option PROGRAM WORD: the last option of WORD, which stands behind -o, or begins with it.
_mcloudfs_option() {
    local program=$1 word=$2 last=${2#-o} name argument names=() values=()
    last=${last##*,}
    compopt -o nospace 2>/dev/null
    while IFS=$'\t' read -r name argument; do
        [[ $name != -* ]] || continue
        names+=("$name")
        [[ $last != "$name"* || $name != *= ]] || mapfile -t values < <(_mcloudfs_values "$program" "${name%=}" "$argument")
    done < <("$program" --print-options 2>/dev/null | sed 's/\t/\n/; s/\t.*//; s/\n/\t/')
    if [[ $last != *=* ]]; then
        _mcloudfs_reply "$word" "${names[@]}"
    elif [[ ${#values[@]} -gt 0 ]]; then
        _mcloudfs_reply "$word" "${values[@]}"
    else
        mapfile -t COMPREPLY < <(compgen -f -- "${last#*=}")
    fi
}

_mcloudfs() {
    local line=${COMP_LINE:0:COMP_POINT} before word flags
    word=${line##*[[:space:]]}
    before=${line%"$word"}
    before=${before%"${before##*[![:space:]]}"}
    if [[ ${before##*[[:space:]]} == -o || $word == -o?* ]]; then
        _mcloudfs_option "$1" "$word"
    elif [[ $word == -* ]]; then
        mapfile -t flags < <("$1" --print-options 2>/dev/null | sed -n 's/^\(-[^\t]*\)\t.*/\1/p')
        mapfile -t COMPREPLY < <(compgen -W "${flags[*]}" -- "$word")
    else
        compopt -o filenames 2>/dev/null
        mapfile -t COMPREPLY < <(compgen -d -- "$word")
    fi
}

# _mcloudfs_ctl LINE: the ctl files that LINE is written to, or those of the directory one is in. Of a cloud only: to read another's file
# of that name might wait, or do something.
_mcloudfs_ctl() {
    local file found=(ctl replication/ctl)
    [[ ! $1 =~ \>[[:space:]]*([^[:space:]\;\|\&\<\>]+) ]] || found=("${BASH_REMATCH[1]}")
    for file in "${found[@]}"; do
        file=${file/#\~\//$HOME/}
        [[ ${file##*/} == ctl && -f $file && $(findmnt --noheadings --output FSTYPE --target "$file" 2>/dev/null) == *fuse.mcloudfs ]] || continue
        echo "$file"
    done
}

_mcloudfs_echo() {
    local file verbs=()
    [[ $COMP_CWORD -eq 1 ]] || return 0
    while read -r file; do
        mapfile -t -O "${#verbs[@]}" verbs < <(timeout 2 cat -- "$file" 2>/dev/null | sed 's/[[:space:]].*//')
    done < <(_mcloudfs_ctl "$COMP_LINE")
    mapfile -t COMPREPLY < <(compgen -W "${verbs[*]}" -- "${COMP_WORDS[1]}")
}

complete -F _mcloudfs mcloudfs mount.mcloudfs mount.fuse.mcloudfs
complete -o bashdefault -o default -F _mcloudfs_echo echo
