"""The racing: strips, recorder, stream client, edges to crossings to laps to standings, events, queue, race control."""
