/*
 * The hand-over that the queue replaced: the line of waiting operations travels in a run's input, result and signals, a waiting operation
 * looks again after 20 seconds, and a run looks once, right after planning, whether somebody was asked for before.
 * Three operations, accepted in the order of their numbers, two of them words on one port. SPIN finds the inversion that was measured.
 */

#define N 3
#define PORTS 2
#define NOBODY 7
#define BIT(i) (1 << (i))
#define HAS(set, i) ((set) & BIT(i))
#define ADD(set, i) set = (set) | BIT(i)
#define DROP(set, i) set = (set) & ~BIT(i)
#define EARLIER(i) (BIT(i) - 1)

/* 0: operations reach the guest in any order; 1: one is accepted after the one before it has reached the guest, and all before anything is done. */
#ifndef ALL_IN_LINE
#define ALL_IN_LINE 0
#endif
/* Whether a waiting operation looks again. */
#ifndef LOOK_AGAIN
#define LOOK_AGAIN 1
#endif

#define MUST(condition, invariant) assert((condition) || invariant)
bit orderOnPort;

#define FREE 0
#define PLANNING 1
#define DECIDING 2
#define WRITING 3

#define GAVE_WAY 1
#define DONE 2

byte acceptedCount, open, arrived, woken, done;
byte portOf[N], line[N], result[N];

/* The guest run: the operation that started it, and those that wait for it to end. */
byte phase = FREE;
byte holder = NOBODY;
byte waiting;

#define LATER_DONE(i) (i > holder && portOf[i] == portOf[holder] && HAS(done, i))

inline wake(i, behind) {
  line[i] = (line[i] | (behind)) & ~BIT(i);
  ADD(woken, i)
}

/* The first in line that is still there is woken, with those behind it; nobody when the line begins with the operation itself. */
inline handOver(set, self) {
  if
  :: HAS(set & open, 0) && self != 0 -> wake(0, set & ~1)
  :: !HAS(set & open, 0) && HAS(set & open, 1) && self != 1 -> wake(1, set & ~3)
  :: !HAS(set & open, 0) && !HAS(set & open, 1) && HAS(set & open, 2) && self != 2 -> wake(2, set & ~7)
  :: else
  fi
}

proctype Operation(byte i) {
  d_step {
    acceptedCount == i && (!ALL_IN_LINE || arrived == EARLIER(i)) -> acceptedCount++;
    ADD(open, i);
    printf("seen: accept %d\n", i)
  }
again:
  if
  :: d_step { phase == FREE -> /* it starts the run, with the line that it has */
      DROP(woken, i);
      ADD(arrived, i);
      phase = PLANNING;
      holder = i;
      waiting = line[i];
      printf("seen: start run of %d\n", i)
    }
  :: phase != FREE ->
    if
    :: d_step { phase != FREE -> DROP(woken, i); ADD(arrived, i); waiting = waiting | line[i] | BIT(i); printf("seen: wait %d\n", i) }
    :: phase == FREE -> goto again
    fi;
    if
    :: HAS(woken, i)
    :: LOOK_AGAIN -> printf("seen: look again %d\n", i)
    fi;
    goto again
  fi;
  if
  :: d_step { result[i] == DONE -> DROP(open, i); result[i] = 0; handOver(line[i], NOBODY); line[i] = 0; printf("seen: ended %d\n", i) }
  :: d_step { result[i] == GAVE_WAY -> result[i] = 0; ADD(line[i], i); handOver(line[i], i); line[i] = 0 };
    if
    :: HAS(woken, i)
    :: LOOK_AGAIN -> printf("seen: look again %d\n", i)
    fi;
    goto again
  fi
}

inline endRun(how) {
  result[holder] = how;
  line[holder] = (line[holder] | waiting) & ~BIT(holder);
  phase = FREE;
  holder = NOBODY;
  waiting = 0
}

active proctype GuestRun() {
end:
  do
  :: d_step { phase == PLANNING && (!ALL_IN_LINE || arrived == EARLIER(N)) -> phase = DECIDING }
  :: d_step { phase == DECIDING && (waiting & EARLIER(holder)) -> printf("seen: give way %d\n", holder); endRun(GAVE_WAY) }
  :: d_step { phase == DECIDING && !(waiting & EARLIER(holder)) ->
      printf("seen: begin %d\n", holder);
      MUST(!LATER_DONE(0) && !LATER_DONE(1) && !LATER_DONE(2), orderOnPort);
      phase = WRITING
    }
  :: d_step { phase == WRITING -> ADD(done, holder); printf("seen: done %d\n", holder); endRun(DONE) }
  od
}

init {
  atomic {
    if /* the operation that is alone on its port */
    :: portOf[0] = 1
    :: portOf[1] = 1
    :: portOf[2] = 1
    fi;
    byte i = 0;
    do
    :: i < N -> run Operation(i); i++
    :: else -> break
    od
  }
}
