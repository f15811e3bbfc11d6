# lab/shape.jq: the topology of a host (as `vnuma topology --json` prints it) -> the QEMU arguments of a small copy of it.
#
# Arguments: $mem (MiB in all), $percpu (most CPUs of a node), $most (most CPUs in all), $near (near nodes share a package).
# Output, one thing a line: "error TEXT" (then nothing else counts), "note TEXT", "memory MIB", "shape TEXT", "arg QEMU-ARGUMENT".
#
# What is kept: the number of nodes, every distance, which nodes have CPUs and which have memory.
# What is scaled: CPUs (equally many for every node that has some) and memory (in proportion, in steps of 128 MiB, no node that
# has memory below 256 MiB).

# Linux accepts a distance table only if the diagonal is 10 and all else above; QEMU stops at 254 (255: unreachable).
def problems:
    (if type != "object" or (.nodes | type) != "array" then "no list of nodes in it" else
        (if (.nodes | length) == 0 then "no nodes in it" else empty end),
        (if (.nodes | length) > 64 then "\(.nodes | length) nodes: the lab can have 64" else empty end),
        (.nodes[] | select(type != "object" or (.id | type) != "number" or (.cpus | type) != "array"
                           or (.memory_total | type) != "number" or .memory_total < 0)
                  | "a node without id, cpus or memory_total: \(tojson[0:80])"),
        (if ([.nodes[]? | .id?] | unique | length) != (.nodes | length) then "two nodes with one id" else empty end)
     end);

def distance_problems:
    . as $nodes
    | $nodes[] as $a | $nodes[] as $b | ($a.distances["\($b.id)"]) as $d
    | if $d == null then empty
      elif ($d | type) != "number" or $d != ($d | floor) or $d > 254 then "distance \($a.id) to \($b.id) is \($d), not a whole number up to 254"
      elif $a.id == $b.id and $d != 10 then "distance \($a.id) to itself is \($d), not 10"
      elif $a.id != $b.id and $d <= 10 then "distance \($a.id) to \($b.id) is \($d), not above 10"
      else empty end;

def distance($a; $b): $a.distances["\($b.id)"] // (if $a.id == $b.id then 10 else 20 end);

# How many nodes share a package: 1 unless $near. With $near, nodes at the smallest distance there is are taken for the dies of one
# package, if that gives groups of one size, neighbours in number, in which all are equally near, and if some other distance
# exists.
def dies_per_package:
    . as $n
    | [range(length) as $i | range(length) as $j | select($i != $j) | distance($n[$i]; $n[$j])] | unique as $all
    | if ($near | not) or ($all | length) < 2 then 1 else
        ([range($n | length) | select(. == 0 or distance($n[0]; $n[.]) == $all[0])] | length) as $g
        | if ($n | length) % $g == 0
             and all(range($n | length) as $i | range($n | length) as $j | select($i != $j)
                     | (distance($n[$i]; $n[$j]) == $all[0]) == (($i / $g | floor) == ($j / $g | floor)); .)
          then $g else 1 end
      end;

def shares($mem):
    ([.[].memory_total] | add) as $sum
    | map(if .memory_total == 0 then 0 else [256, (.memory_total / $sum * $mem / 128 | floor) * 128] | max end);

def shape:
    (.nodes | sort_by(.id)) as $all
    | ($all | map(select((.cpus | length) > 0 or .memory_total > 0))) as $nodes
    | ($nodes | map(select((.cpus | length) > 0))) as $cpunodes
    | [$nodes | distance_problems] as $bad
    | if ($bad | length) > 0 then "error \($bad[0])"
      elif ($cpunodes | length) == 0 then "error no node has CPUs"
      elif ($nodes | map(select(.memory_total > 0)) | length) == 0 then "error no node has memory"
      elif ($cpunodes | length) > $most then "error \($cpunodes | length) nodes with CPUs: the lab can have \($most) CPUs"
      else
        ($nodes | shares($mem)) as $mib
        | ([$percpu, ($most / ($cpunodes | length) | floor), ($cpunodes | map(.cpus | length) | min)] | min) as $cores
        | ($cpunodes | dies_per_package) as $dies
        | (($cpunodes | length) / $dies) as $sockets
        | ($all - $nodes | .[] | "note node \(.id) has neither CPUs nor memory: left out"),
          (if [$nodes[].id] != [range($nodes | length)]
           then "note nodes are renumbered: \([range($nodes | length) | "\($nodes[.].id) is \(.)"] | join(", "))" else empty end),
          (if ([$nodes | to_entries[] | select(.value.cpus | length == 0) | .key] | min // 1000)
              < ([$nodes | to_entries[] | select(.value.cpus | length > 0) | .key] | max)
           then "note Linux numbers nodes with CPUs first: nodes without CPUs come last inside" else empty end),
          "memory \($mib | add)",
          "shape \($nodes | length) nodes, \($sockets) packages, \($cores * ($cpunodes | length)) CPUs, \($mib | add) MiB",
          "arg -smp", "arg \($cores * ($cpunodes | length)),sockets=\($sockets),dies=\($dies),cores=\($cores),threads=1",
          "arg -m", "arg \($mib | add)M",
          (range($nodes | length) as $i
           | (if $mib[$i] > 0
              then "arg -object", "arg memory-backend-memfd,id=m\($i),size=\($mib[$i])M,share=on",
                   "arg -numa", "arg node,nodeid=\($i),memdev=m\($i)"
              else "arg -numa", "arg node,nodeid=\($i)" end)),
          (range($cpunodes | length) as $k | ([$nodes[].id] | index($cpunodes[$k].id)) as $i
           | "arg -numa", "arg cpu,node-id=\($i),socket-id=\($k / $dies | floor)\(if $dies > 1 then ",die-id=\($k % $dies)" else "" end)"),
          (range($nodes | length) as $i | range($nodes | length) as $j | select($i != $j)
           | "arg -numa", "arg dist,src=\($i),dst=\($j),val=\(distance($nodes[$i]; $nodes[$j]))")
      end;

[problems] as $bad | if ($bad | length) > 0 then "error \($bad[0])" else shape end
