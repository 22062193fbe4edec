# fish: completion of echo for the verbs of a cloud's ctl files. A file of its own, since fish reads what it has of echo by that name.

# The ctl files that the line is written to, or those of the directory one is in. Of a cloud only: to read another's file of that name
# might wait, or do something.
function __mcloudfs_ctl
    set -l found ctl replication/ctl
    set -l target (string match -r -- '>\s*([^\s;|&<>]+)' (commandline -p))[2]
    test -n "$target"; and set found (string replace -r -- '^~/' $HOME/ $target)
    for file in $found
        test (path basename -- $file) = ctl -a -f $file; or continue
        string match -q -- '*fuse.mcloudfs' (findmnt --noheadings --output FSTYPE --target $file 2>/dev/null); or continue
        echo $file
    end
end

function __mcloudfs_verbs
    for file in (__mcloudfs_ctl)
        timeout 2 cat -- $file 2>/dev/null | string replace -r -- '^(\S+).*?(?:    (.*))?$' '$1\t$2'
    end
end

# What is written to counts as a word here.
complete -c echo -n 'string match -qr -- "^echo\$|(^|/)ctl\$" (commandline -opc)[-1]' -a '(__mcloudfs_verbs)'
